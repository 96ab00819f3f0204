import path from 'node:path';
import type { StateManager } from '@homeserver/state-manager';
import { lookAt, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { noBackupOf } from '../find-backup.ts';

interface Verified {
  moduleName: string;
  /** null when not even that can be read. */
  id: string | null;
  damages: string[];
}

/** `updater backups verify [module]`: re-reads every backup, older ones too. Takes no lock, changes nothing. */
export async function backupsVerifyCommand(context: CommandContext, module: string | undefined): Promise<number> {
  const found = lookAt(context, ({ state }) => ({ state, names: module === undefined ? namesOf(state) : [module] }));
  const verified: Verified[] = [];
  for (const name of found.names) {
    context.display.onEvent({ type: 'verify', name, state: 'begun' });
    const ended = await verifyAll(found.state, name);
    const state = ended.every(({ damages }) => damages.length === 0) ? 'good' : 'damaged';
    context.display.onEvent({ type: 'verify', name, state });
    verified.push(...ended);
  }
  if (module !== undefined && verified.length === 0) throw noBackupOf(module, found.state);
  const bad = verified.filter(({ damages }) => damages.length > 0);
  const data = { backups: verified.map((one) => ({ ...one, good: one.damages.length === 0 })) };
  const lines = [
    ...verified.flatMap(({ moduleName, id, damages }) => [
      `${moduleName} ${id ?? ''} ${damages.length === 0 ? 'good' : 'DAMAGED'}`.replace('  ', ' '),
      ...damages.map((damage) => `  ${damage}`),
    ]),
    verified.length === 0
      ? 'There are no backups.'
      : `${verified.length - bad.length} of ${verified.length} ${verified.length === 1 ? 'backup is' : 'backups are'} good.`,
  ];
  context.answer(data, lines, bad.length === 0);
  return bad.length === 0 ? EXIT.done : EXIT.rollbackFailed;
}

function namesOf(state: StateManager): string[] {
  const { backups, damaged } = state.listModuleBackups();
  return [...Object.keys(backups), ...Object.keys(damaged)].sort();
}

async function verifyAll(state: StateManager, moduleName: string): Promise<Verified[]> {
  const { backups, damaged } = state.listBackupsOf(moduleName);
  const verified: Verified[] = [];
  for (const { id } of backups) verified.push({ moduleName, id, damages: await damagesOf(state, moduleName, id) });
  for (const [place, why] of Object.entries(damaged))
    verified.push({ moduleName, id: /\.([0-9a-f]{12})$/.exec(path.basename(place))?.[1] ?? null, damages: [why] });
  return verified;
}

/** Damage that a second look does not find was a backup that an updater replaced while it was being read. */
async function damagesOf(state: StateManager, module: string, id: string): Promise<string[]> {
  const damages = await state.verifyModuleBackup(module, id);
  const isStillThere = (): boolean => state.listBackupsOf(module).backups.some((backup) => backup.id === id);
  return damages.length > 0 && isStillThere() ? state.verifyModuleBackup(module, id) : [];
}
