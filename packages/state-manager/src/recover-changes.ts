import { pruneSlotsOf } from './guard/end-guard.ts';
import type { Engine } from './engine.ts';
import { StateManagerError } from './errors.ts';
import { adviceToGiveUp } from './give-up.ts';
import type { Intent } from './intent.ts';
import type { DamagedIntent } from './journal.ts';
import { runningGuards } from './guard/running-guards.ts';
import { releaseEndedRoom } from './release-ended-room.ts';
import { endProcessesOf, undoIntents, type Undone } from './undo.ts';
import { undoEarly } from './undo-early.ts';

export interface RecoveryReport {
  /** What was found open, newest first, and how it ended. */
  found: Undone[];
  /** Processes of dead runs that still lived. */
  endedProcesses: number;
  damaged: DamagedIntent[];
}

export interface Recovering {
  /** Which of the open changes; default all. */
  isWanted?: (intent: Intent) => boolean;
  /** early: only what can be put back before any service has started; the rest stays noted. Default: all that is left. */
  phase?: 'early';
  /** The run whose processes are ended first; default the whole run that an intent's run is a part of. */
  scope?: (run: string) => string;
}

const wholeRun = (run: string): string => run.split('.')[0] ?? run;

/** Ends the processes of dead runs, then undoes what is open, newest first. Under the lock. Idempotent, also when it is cut itself. */
export async function recoverChanges(
  engine: Engine,
  { isWanted = () => true, scope = wholeRun, phase }: Recovering = {},
): Promise<RecoveryReport> {
  const { journal, paths, displacedDir } = engine;
  refuseOpenElsewhere(engine);
  const known = journal.ids();
  const { intents, damaged } = journal.list();
  const wanted = intents.filter(isWanted);
  if (displacedDir !== undefined && wanted.length + damaged.length > 0) throw readOnly(paths.root);
  const underWay = wanted.find((intent) => runningGuards.has(intent.id));
  if (underWay !== undefined) {
    throw new StateManagerError('overlap', `cannot undo the change of ${underWay.slot} while it is under way`);
  }
  const endedProcesses = engine.targetRoot === undefined ? await endProcessesOf(wanted, scope) : 0;
  const isCommitted = committedAmong(intents, known);
  const committed = wanted.filter(isCommitted);
  for (const intent of committed) journal.close(intent.id);
  const open = wanted.filter((intent) => !isCommitted(intent));
  const undone = phase === 'early' ? await undoEarly(open, engine) : await undoIntents(open, engine);
  releaseEndedRoom(engine, wanted);
  pruneSlotsOf(engine, wanted);
  const found = [
    ...undone.filter((one) => one.kind !== 'session' || one.outcome === 'failed'),
    ...committed.map(({ slot, kind }): Undone => ({ slot, kind, outcome: 'committed' })),
  ];
  return { found, endedProcesses, damaged };
}

/** A commit closes the outermost note first; what stood inside of it is final then, however deep. `known`: also the unreadable ones. */
export function committedAmong(intents: readonly Intent[], known: ReadonlySet<string>): (intent: Intent) => boolean {
  const byId = new Map(intents.map((intent) => [intent.id, intent]));
  const isCommitted = ({ phase, parent }: Intent): boolean => {
    if (phase !== 'done') return false;
    if (parent === null || !known.has(parent)) return true;
    const around = byId.get(parent);
    return around !== undefined && isCommitted(around);
  };
  return isCommitted;
}

/** Throws 'rollback-failed' when something open could not be undone. */
export async function recoverOrThrow(engine: Engine): Promise<void> {
  const { found, damaged } = await recoverChanges(engine);
  const unreadable = damaged.map(({ file, why, giveUp }) => ({ error: `${file} cannot be read: ${why}`, giveUp }));
  const [failed] = [...found.filter(({ outcome }) => outcome === 'failed'), ...unreadable];
  if (failed === undefined) return;
  throw new StateManagerError('rollback-failed', `an earlier change could not be undone: ${failed.error}`, {
    hint: failed.giveUp === undefined ? 'run: updater recover' : adviceToGiveUp(failed.giveUp),
  });
}

/** Undone, their notes would stay; and the next recovery would undo what was done since. */
function readOnly(backupDir: string): StateManagerError {
  return new StateManagerError('cannot-restore', `changes are open in ${backupDir}, which is read-only`, {
    hint: `nothing was touched; make it writable: mount -o remount,rw`,
  });
}

function refuseOpenElsewhere({ journal }: Engine): void {
  const [elsewhere] = journal.openElsewhere();
  if (elsewhere === undefined) return;
  throw new StateManagerError('wrong-backup-dir', `a change is still open in the backup directory ${elsewhere}`, {
    hint: `run: updater recover --backup-dir ${elsewhere}`,
  });
}
