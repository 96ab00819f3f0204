import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { link } from '@homeserver/test-support';
import { verifyFiles } from '../../src/files/verify-files.ts';
import { captureBackup, scene } from '../scene.ts';

describe('verifyFiles', () => {
  it.each<[string, RegExp | undefined, (copy: string) => void]>([
    ['finds nothing wrong with a good backup', undefined, () => {}],
    [
      'finds a changed byte',
      /does not match its SHA-256$/,
      (copy) => fs.writeFileSync(copy, 'text!'.slice(0, 3) + 'T'),
    ],
    ['finds a cut', /has 2 bytes, recorded are 4$/, (copy) => fs.truncateSync(copy, 2)],
    [
      'does not read a copy that damage made endless',
      /has 4398046511104 bytes/,
      (copy) => fs.truncateSync(copy, 2 ** 42),
    ],
    [
      'finds a growth without reading it all',
      /has 4398046511104 bytes, recorded are 4$/,
      (copy) => fs.truncateSync(copy, 2 ** 42),
    ],
    ['finds a missing copy', /cannot be read: ENOENT/, (copy) => fs.rmSync(copy)],
    ['finds a directory in its place', /is not a regular file$/, (copy) => (fs.rmSync(copy), fs.mkdirSync(copy))],
    [
      'does not follow a link in its place',
      /is not a regular file$/,
      (copy) => (fs.renameSync(copy, `${copy}2`), fs.symlinkSync(`${copy}2`, copy)),
    ],
  ])('%s', (_, expected, damage) => {
    const here = scene({ f: 'text', l: link('f'), d: {} });
    const backup = captureBackup(here, { paths: [here.live, here.at('../absent')] });
    const copy = path.join(backup.directory, 'files', here.at('f'));
    damage(copy);
    const damages = verifyFiles(backup.captured, backup.directory);
    expect(damages).toEqual(expected === undefined ? [] : [expect.stringMatching(expected)]);
    expect(damages.every((line) => line.startsWith(copy))).toBe(true);
  });
});
