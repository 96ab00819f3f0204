import type { StateManager } from '@homeserver/state-manager';
import type { Answer, CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { findBackup, namesOfBackups } from '../find-backup.ts';
import { plural } from '../text/plural.ts';

/** `--verify [MODULE]`: re-reads every backup, or one, and names what is damaged. Reads only. */
export async function verifyBackups({ state }: CommandContext, module: string | undefined): Promise<Answer> {
  const names = module === undefined ? namesOfBackups(state) : [findBackup(state, module)];
  const verified: { name: string; damages: string[] }[] = [];
  for (const name of names) verified.push({ name, damages: await damagesOf(state, name) });
  const bad = verified.filter(({ damages }) => damages.length > 0);
  const answer = {
    data: {
      backups: verified.map(({ name, damages }) => ({ module_name: name, good: damages.length === 0, damages })),
    },
    lines: [
      ...(names.length === 0 ? [`There are no backups in ${state.backupDir}.`] : []),
      ...verified.flatMap(({ name, damages }) => [
        `${name}  ${damages.length === 0 ? 'good' : 'DAMAGED'}`,
        ...damages.map((damage) => `    ${damage}`),
      ]),
    ],
  };
  if (bad.length === 0) return { ...answer, exitCode: EXIT.done };
  const message = `${bad.length} of ${plural(names.length, 'backup')} damaged: ${bad.map(({ name }) => name).join(', ')}`;
  const hint = 'a damaged backup is never put back; the good ones can be';
  return { ...answer, exitCode: EXIT.rollbackFailed, problem: { message, hint } };
}

/** Damage that a second look does not find was a backup that an updater replaced while it was being read. */
async function damagesOf(state: StateManager, name: string): Promise<string[]> {
  const damages = await state.verifyModuleBackup(name);
  return damages.length === 0 ? damages : state.verifyModuleBackup(name);
}
