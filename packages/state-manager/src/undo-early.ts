import { reasonOf } from '@homeserver/system';
import type { Engine } from './engine.ts';
import { StateManagerError } from './errors.ts';
import type { Intent } from './intent.ts';
import { restoreBackup } from './restore-backup.ts';
import { isSystemdThere, orderSystemd } from './services/systemctl.ts';
import { directoryOf, operationsOf, type Undone } from './undo.ts';

/**
 * The early phase of undoing, for a boot in which no service has started yet: puts back files, SQLite databases, and what
 * enables and masks units, newest change first. It starts and stops nothing and runs no commands. Every note stays, and says
 * what remains; cut anywhere, it is done again. The first change that cannot be dealt with so (its rollback scripts must run,
 * or it failed) is left for later with all older ones: what they bring back must come after.
 */
export async function undoEarly(intents: readonly Intent[], engine: Engine): Promise<Undone[]> {
  if (engine.targetRoot !== undefined || engine.displacedDir !== undefined)
    throw new StateManagerError('invalid-request', 'the early phase is for the machine itself, at its boot');
  const undone: Undone[] = [];
  for (const intent of intents.toSorted((a, b) => b.sequence - a.sequence)) {
    if (intent.backup_id === null || intent.remaining === 'late') continue;
    const result = await undoOne(intent, engine);
    if (result !== undefined) undone.push(result);
    if (result?.outcome !== 'begun') break;
  }
  if (undone.some(({ outcome }) => outcome === 'begun')) await readUnitFilesAgain(engine);
  return undone;
}

/** undefined: it is not for this phase. */
async function undoOne(intent: Intent, engine: Engine): Promise<Undone | undefined> {
  const { slot, kind } = intent;
  const { entries, unreadable } = operationsOf(intent, engine);
  if (entries.length > 0 || unreadable !== undefined) return undefined;
  try {
    const report = await restoreBackup(directoryOf(intent, engine), engine, 'early');
    engine.journal.markEarlyDone(intent);
    return { slot, kind, outcome: 'begun', report };
  } catch (error) {
    return { slot, kind, outcome: 'failed', error: reasonOf(error) };
  }
}

/** Units start from the files that are back, not from those that systemd has read before. That is no start of any. */
async function readUnitFilesAgain({ logger }: Engine): Promise<void> {
  if (!isSystemdThere()) return;
  const failure = await orderSystemd('daemon-reload');
  if (failure !== undefined) logger.warn(`systemd cannot read its unit files again: ${failure}`);
}
