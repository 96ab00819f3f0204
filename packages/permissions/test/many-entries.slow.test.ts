import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '@homeserver/test-support';
import { expect, it, onTestFinished, vi } from 'vitest';
import { PermissionManager } from '../src/permission-manager.ts';
import { isRoot } from './scene.ts';

const DIRECTORIES = 400;
const FILES = 100_000;
const ENTRIES = 1 + DIRECTORIES + FILES;
const WRONG = 1000;

/** 100,000 files in 400 directories; every hundredth is too open. */
function makeMany(): string {
  const root = path.join(temporaryDirectory(), 'many');
  for (let at = 0; at < DIRECTORIES; at += 1) fs.mkdirSync(path.join(root, `d${at}`), { recursive: true, mode: 0o750 });
  fs.chmodSync(root, 0o750);
  for (let at = 0; at < FILES; at += 1) {
    const file = path.join(root, `d${at % DIRECTORIES}`, `f${at}`);
    fs.closeSync(fs.openSync(file, 'w', at % (FILES / WRONG) === 0 ? 0o644 : 0o640));
  }
  return root;
}

it('of 100,000 files those that differ are changed, and where nothing is to be done, that costs one look at each', async () => {
  const umask = process.umask(0);
  onTestFinished(() => void process.umask(umask));
  const root = makeMany();
  const permissions = new PermissionManager('many');
  const target = { path: root, fileMode: '640', directoryMode: '750', recursive: true };
  const first = await permissions.setPermissions([target]);
  expect(first).toMatchObject({ success: true, unchanged: ENTRIES - WRONG, vanished: 0, failed: [], skipped: [] });
  expect(first.changed).toHaveLength(WRONG);

  const looks = vi.spyOn(fs, 'lstatSync');
  const opened = vi.spyOn(fs, 'openSync');
  onTestFinished(() => void vi.restoreAllMocks());
  expect(await permissions.setPermissions([target])).toMatchObject({ success: true, unchanged: ENTRIES, changed: [] });
  expect(looks.mock.calls.length).toBeGreaterThanOrEqual(ENTRIES);
  expect(looks.mock.calls.length).toBeLessThan(ENTRIES + 100); // The way to the target is looked at, too.
  expect(opened).not.toHaveBeenCalled();
  vi.restoreAllMocks();

  const all = isRoot ? { ...target, owner: 1234, group: 1234 } : { ...target, fileMode: '600', directoryMode: '700' };
  const last = await permissions.setPermissions([all]);
  expect([last.success, last.changed.length, last.unchanged]).toEqual([true, ENTRIES, 0]);
  const deepest = fs.lstatSync(path.join(root, 'd399/f99999'));
  expect([deepest.uid, (deepest.mode & 0o777).toString(8)]).toEqual(
    isRoot ? [1234, '640'] : [process.getuid?.(), '600'],
  );
});
