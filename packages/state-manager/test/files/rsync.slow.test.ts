import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { ensureDebianPackages } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { damage, nastyTree, perform } from '../nasty-tree.ts';
import { captureBackup, isRoot, otherFileSystem, scene } from '../scene.ts';

/*
 * The judge is not ours: rsync compares content, owners, modes, times to the nanosecond, hardlinks, ACLs and extended
 * attributes of what came back with a copy that `cp -a` made before, and has nothing to say.
 */

const RSYNC = '/usr/bin/rsync';
if (isRoot && !fs.existsSync(RSYNC)) await ensureDebianPackages(['rsync']);
const canJudge = isRoot && fs.existsSync(RSYNC);
if (!canJudge) process.stderr.write('LEFT OUT: the comparison by rsync: it needs root and the Debian package rsync\n');

const options = ['-aHAXn', '--delete', '--itemize-changes', '--checksum', '--modify-window=-1'];
const differences = (pristine: string, live: string): string =>
  execFileSync(RSYNC, [...options, `${pristine}/`, `${live}/`]).toString();

it.skipIf(!canJudge).each([
  ['on the same file system', 50, undefined],
  ['with the backup on another file system', 25, otherFileSystem],
])('rsync finds no difference after a restore: %s', { timeout: 900_000 }, async (_, numRuns, elsewhere) => {
  const place = elsewhere?.();
  await fc.assert(
    fc.asyncProperty(nastyTree, damage, async (tree, harm) => {
      const here = scene();
      const [outside, pristine] = [path.join(here.root, 'outside'), path.join(here.root, 'pristine')];
      fs.mkdirSync(outside);
      perform(tree, here.live, outside);
      execFileSync('cp', ['-a', '-T', '--', here.live, pristine]);
      expect(differences(pristine, here.live)).toBe('');
      const backup = captureBackup(here, { paths: [here.live] }, place);
      expect(differences(pristine, here.live)).toBe('');
      perform(harm, here.live, outside);
      expect((await backup.restore()).warnings).toEqual([]);
      expect(differences(pristine, here.live)).toBe('');
      expect(await backup.restore()).toMatchObject({ restored: [], adjusted: [], displaced: [] });
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? numRuns) },
  );
});
