import type { Answer, CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { findBackup, namesOfBackups } from '../find-backup.ts';
import { plural } from '../text/plural.ts';

interface Verified {
  name: string;
  damages: string[];
}

/** `--verify [MODULE]`: re-reads every backup and snapshot, or the backup of one module, and names what is damaged. Reads only. */
export async function verifyBackups({ state, onEvent }: CommandContext, module: string | undefined): Promise<Answer> {
  const names = module === undefined ? namesOfBackups(state) : [findBackup(state, module)];
  const ids = module === undefined ? snapshotIds(state.snapshots.listSnapshots()) : [];
  const backups = await verifyEach(names, (name) => state.verifyModuleBackup(name), onEvent);
  const snapshots = await verifyEach(ids, (id) => state.snapshots.verifySnapshot(id), onEvent);
  const all = [...backups, ...snapshots.map((one) => ({ ...one, name: `snapshot ${one.name}` }))];
  const answer = {
    data: {
      backups: backups.map(({ name, damages }) => ({ module_name: name, good: damages.length === 0, damages })),
      snapshots: snapshots.map(({ name, damages }) => ({ id: name, good: damages.length === 0, damages })),
    },
    lines: [
      ...(all.length === 0 ? [`There are no backups in ${state.backupDir}.`] : []),
      ...all.flatMap(({ name, damages }) => [
        `${name}  ${damages.length === 0 ? 'good' : 'DAMAGED'}`,
        ...damages.map((damage) => `    ${damage}`),
      ]),
    ],
  };
  const bad = all.filter(({ damages }) => damages.length > 0).map(({ name }) => name);
  if (bad.length === 0) return { ...answer, exitCode: EXIT.done };
  const message = `${bad.length} of ${plural(all.length, 'backup')} damaged: ${bad.join(', ')}`;
  const hint = 'what is damaged is never put back; the good ones can be';
  return { ...answer, exitCode: EXIT.rollbackFailed, problem: { message, hint } };
}

function snapshotIds(found: { snapshots: readonly { id: string }[]; damaged: Record<string, string> }): string[] {
  return [...found.snapshots.map(({ id }) => id), ...Object.keys(found.damaged)];
}

/** Damage that a second look does not find was a backup that an updater replaced while it was being read. */
async function verifyEach(
  names: readonly string[],
  verify: (name: string) => Promise<string[]>,
  onEvent: CommandContext['onEvent'],
): Promise<Verified[]> {
  const verified: Verified[] = [];
  for (const name of names) {
    onEvent({ type: 'verify', name, state: 'begun' });
    const seen = await verify(name);
    const damages = seen.length === 0 ? seen : await verify(name);
    onEvent({ type: 'verify', name, state: damages.length === 0 ? 'good' : 'damaged' });
    verified.push({ name, damages });
  }
  return verified;
}
