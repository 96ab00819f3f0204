import { expect, it } from 'vitest';
import { detectRelease, type ReleaseDetectionInput } from '../../src/self-update/detect-release.ts';

const treeId = 'a'.repeat(40);
const HOUR = 3600;

const detect = (version: string, rest: Partial<ReleaseDetectionInput> = {}) =>
  detectRelease({
    release: { version, treeId },
    running: '1.4.0',
    record: { proven: null, previous: null },
    retry: false,
    maxMajorJump: 10,
    now: 10 * HOUR,
    ...rest,
  });

it.each(['1.4.1', '1.5.0', '11.0.0', '1.5.0-rc.1'])('takes %s in place of 1.4.0', (version) => {
  expect(detect(version)).toEqual({ update: { fromVersion: '1.4.0', toVersion: version, treeId } });
});

it.each(['1.4.0', '1.4.0+build.7', '1.3.9', '1.4.0-rc.1', '0.9.0'])(
  'does not take %s, and says nothing of it',
  (version) => {
    expect(detect(version)).toEqual({});
  },
);

it('has nothing to say where the repository has no release', () => {
  expect(detect('', { release: undefined })).toEqual({});
});

it('refuses more major versions at once than are allowed, and an index.json that tells no version', () => {
  expect(detect('12.0.0').notice).toEqual({
    text: expect.stringContaining('trust.maxMajorJump is 10'),
    isProblem: true,
  });
  expect(detect('', { release: { problem: 'index.json: is empty' } }).notice).toEqual({
    text: 'index.json: is empty',
    isProblem: true,
  });
});

it('leaves a tree that failed here alone for its time, but not another tree of that version', () => {
  const failed = [{ tree: treeId, version: '1.5.0', failures: 1, last_failure: 10 * HOUR - 60, error: 'it hung' }];
  const record = { proven: null, previous: null, failed };
  const withheld = detect('1.5.0', { record });
  expect(withheld.update).toBeUndefined();
  expect(withheld.notice).toEqual({
    text: expect.stringMatching(/1\.5\.0 failed here \(it hung\); next try/),
    isProblem: false,
  });
  expect(detect('1.5.0', { record, retry: true }).update?.toVersion).toBe('1.5.0');
  expect(detect('1.5.0', { record, now: 12 * HOUR }).update?.toVersion).toBe('1.5.0');
  expect(detect('1.5.0', { record, release: { version: '1.5.0', treeId: 'b'.repeat(40) } }).update).toBeDefined();
});
