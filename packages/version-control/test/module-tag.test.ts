import { describe, expect, it } from 'vitest';
import { compareTimestamps, formatModuleTag, parseModuleTag } from '../src/module-tag.ts';

describe('a release tag', () => {
  it.each([
    ['adblock', 'adblock-v1.0.0-20240610', '1.0.0', '20240610'],
    ['adblock', 'adblock-v1.0.0-202406101530', '1.0.0', '202406101530'],
    ['my-long-name', 'my-long-name-v2.1.3-20241208', '2.1.3', '20241208'],
    ['gogs', 'gogs-v1.0.0-rc.1-20240610', '1.0.0-rc.1', '20240610'],
    ['gogs', 'gogs-v1.0.0-20230101-20240610', '1.0.0-20230101', '20240610'],
    ['a-v1', 'a-v1-v2.0.0-20240610', '2.0.0', '20240610'],
  ])('of %s, %s, is version %s of %s', (name, tag, version, timestamp) => {
    expect(parseModuleTag(tag, name)).toEqual({ tag, version, timestamp });
  });

  it.each([
    ['of another module', 'adblock', 'gogs-v1.0.0-20240610'],
    ['of a module whose name begins the same', 'gogs', 'gogs-extra-v1.0.0-20240610'],
    ['without a timestamp', 'gogs', 'gogs-v1.0.0'],
    ['with a timestamp of another length', 'gogs', 'gogs-v1.0.0-2024061'],
    ['on a day that does not exist', 'gogs', 'gogs-v1.0.0-20240631'],
    ['with a version that is none', 'gogs', 'gogs-v1.0-20240610'],
    ['with a leading zero', 'gogs', 'gogs-v01.0.0-20240610'],
    ['without its v', 'gogs', 'gogs-1.0.0-20240610'],
  ])('%s is none', (_, name, tag) => expect(parseModuleTag(tag, name)).toBeUndefined());

  it('is written with the time of the release in UTC, and reads back', () => {
    const tag = formatModuleTag('my-module', '1.2.0-rc.1', new Date('2026-11-27T23:59:30Z'));
    expect(tag).toBe('my-module-v1.2.0-rc.1-202611272359');
    expect(parseModuleTag(tag, 'my-module')?.version).toBe('1.2.0-rc.1');
  });

  it('on a day without a time is before one with a time on that day', () => {
    expect(compareTimestamps('20240610', '202406100001')).toBeLessThan(0);
    expect(compareTimestamps('20240611', '202406102359')).toBeGreaterThan(0);
  });
});
