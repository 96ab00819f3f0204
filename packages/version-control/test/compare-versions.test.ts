import { describe, expect, it } from 'vitest';
import { compareVersions, isNewer, parseVersion } from '../src/index.ts';
import { refusal } from './support.ts';

describe('parseVersion', () => {
  it.each([
    '0.0.0',
    '1.2.3',
    '10.20.30',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-0.3.7',
    '1.0.0+20130313144700',
    '1.0.0-beta+exp.sha.5114f85',
  ])('accepts %s as it is', (text) => {
    expect(parseVersion(text)?.text).toBe(text);
  });

  it.each([
    '',
    '1',
    '1.2',
    'v1.2.0',
    '=1.2.0',
    '01.2.3',
    '1.02.3',
    ' 1.2.0',
    '1.2.0 ',
    '1.2.0\n',
    '1.2.3.4',
    '1.2.x',
    '1.0.0-01',
    '1.0.0-',
    '1.0.0+',
    '-1.0.0',
    '1e3.0.0',
    '99999999999999999.0.0',
    'latest',
    `1.0.0-${'a'.repeat(60)}`,
  ])('refuses %j', (text) => {
    expect(parseVersion(text)).toBeUndefined();
  });

  it('gives the parts', () => {
    expect(parseVersion('1.22.333-rc.1')).toEqual({
      text: '1.22.333-rc.1',
      major: 1,
      minor: 22,
      patch: 333,
      prerelease: ['rc', 1],
    });
  });
});

describe('compareVersions', () => {
  it('orders as semver.org does', () => {
    const ordered = [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '1.0.10',
      '1.2.0',
      '1.10.0',
      '2.0.0',
    ];
    expect([...ordered].reverse().sort(compareVersions)).toEqual(ordered);
  });

  it('does not look at build metadata', () => {
    expect(compareVersions('1.0.0+a', '1.0.0+b')).toBe(0);
  });

  it('refuses what is no version', () => {
    expect(() => compareVersions('1.2', '1.2.0')).toThrow(refusal('bad-version', /"1.2" is not a strict/));
    expect(() => compareVersions('1.2.0', 'v1.2.0')).toThrow(refusal('bad-version'));
  });
});

describe('isNewer', () => {
  it('is true for a higher version only', () => {
    expect(isNewer('1.10.0', '1.9.0')).toBe(true);
    expect(isNewer('1.9.0', '1.9.0')).toBe(false);
    expect(isNewer('1.9.0-rc.1', '1.9.0')).toBe(false);
  });
});
