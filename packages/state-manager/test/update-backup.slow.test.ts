import fs from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { describeTree } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { readManifest } from '../src/manifest.ts';
import { damage, nastyTree, perform } from './nasty-tree.ts';
import { scene } from './scene.ts';

it(
  'a backup over an earlier one is, in the end, the one that is written into an empty slot',
  { timeout: 900_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(nastyTree, fc.array(damage, { minLength: 1, maxLength: 3 }), async (tree, rounds) => {
        const here = scene();
        const outside = path.join(here.root, 'outside');
        fs.mkdirSync(outside);
        const request = { files: [here.live, here.at('../absent')], allowOutsideHardlinks: true };
        perform(tree, here.live, outside);
        const state = here.stateManager();
        await state.backupModuleState('app', request);
        const { ino } = fs.statSync(`${here.backupDir}/app_backup`);
        for (const [round, harm] of rounds.entries()) {
          perform(harm, here.live, outside);
          await state.backupModuleState('app', request);
          await state.backupModuleState(`fresh-${round}`, request);
          expect(await state.verifyModuleBackup('app')).toEqual([]);
          const [updated, fresh] = ['app_backup', `fresh-${round}_backup`].map(
            (slot) => `${here.backupDir}/${slot}`,
          ) as [string, string];
          expect({ ...readManifest(updated).files, started_ns: '' }).toEqual({
            ...readManifest(fresh).files,
            started_ns: '',
          });
          expect(describeTree(`${updated}/files${here.live}`)).toEqual(describeTree(`${fresh}/files${here.live}`));
          for (const part of ['restore.sums', 'restore.list', 'restore.sh'])
            expect(fs.readFileSync(`${updated}/${part}`, 'latin1')).toBe(fs.readFileSync(`${fresh}/${part}`, 'latin1'));
          expect(fs.readdirSync(updated).sort()).toEqual(fs.readdirSync(fresh).sort());
        }
        expect(fs.statSync(`${here.backupDir}/app_backup`).ino, 'it is the same directory').toBe(ino);
      }),
      { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 60) },
    );
  },
);
