import { formatLocalTime, pathFromJson, reasonOf, showPath } from '@homeserver/system';
import type { Engine } from '../engine.ts';
import { StateManagerError } from '../errors.ts';
import { restoreBackup, restorePart, type RestoreReport } from '../restore-backup.ts';
import { addTo, emptyReport } from '../source-report.ts';
import type { SourceReport } from '../state-source.ts';
import { verifyCaptured } from '../verify-backup.ts';
import { appendToRollbackLog } from './rollback-log.ts';
import type { LoggedOperation, OperationLog } from './operation-log.ts';
import { damageOfScript, runRollbackScript } from './run-rollback-script.ts';

const FOR_THE_MACHINE_ITSELF = 'its rollback script has to run on the machine itself';

/** What became of one operation; newest first, as they were undone. */
export interface UndoneOperation {
  id: string;
  type: LoggedOperation['type'];
  /** For people; undefined for execute. */
  target: string | undefined;
  /** no-rollback-script: nothing is known that would take it back; only the captured state was put back. */
  outcome: 'rolled-back' | 'no-rollback-script' | 'failed';
  /** Why it failed, one line. */
  error?: string;
}

export interface UndoneOperations {
  /** All of the captured state that was put back, also between the scripts. */
  report: RestoreReport;
  operations: UndoneOperation[];
}

/**
 * Takes back the operations of one change, newest first: a file is put back, a rollback script runs with the files as they
 * were when its operation ended. Then the whole captured state is put back, services and databases too. A script that fails
 * holds up nothing; it stays in the log as not rolled back. A cut one is completed by doing it again (the script that was cut
 * then runs again). Throws 'no-backup', 'damaged' or 'cannot-restore'; the first two with nothing touched.
 */
export async function undoOperations(
  engine: Engine,
  directory: string,
  log: OperationLog,
  entries: readonly LoggedOperation[],
): Promise<UndoneOperations> {
  const open = entries.filter((entry) => entry.outcome !== 'rolled_back').toReversed();
  if (open.some((entry) => entry.rollback_script !== null)) await refuseDamage(directory);
  const between = emptyReport();
  const operations: UndoneOperation[] = [];
  for (const [at, entry] of open.entries()) {
    const scriptsToCome = open.slice(at + 1).some((older) => older.rollback_script !== null);
    const undone = await undoOne(engine, directory, entry, scriptsToCome ? between : undefined);
    if (entry.rollback_script !== null && undone.outcome !== 'failed') await settle(engine, log, [entry]);
    if (entry.type === 'execute') tell(engine, undone);
    operations.push(undone);
  }
  const report = await restoreBackup(directory, engine);
  const settled = open.filter((entry) => entry.rollback_script === null);
  await settle(engine, log, settled);
  for (const one of operations) if (one.type !== 'execute') tell(engine, one);
  addTo(between, { ...report, unchanged: 0 });
  return { report: { ...report, ...between, unchanged: report.unchanged }, operations };
}

/** A script that runs on the strength of a backup which then cannot be put back would leave a mixture. */
async function refuseDamage(directory: string): Promise<void> {
  const [damage] = await verifyCaptured(directory);
  if (damage !== undefined) throw new StateManagerError('damaged', damage, { hint: 'nothing was touched' });
}

async function undoOne(
  engine: Engine,
  directory: string,
  { id, type, target: json, rollback_script: script }: LoggedOperation,
  between: SourceReport | undefined,
): Promise<UndoneOperation> {
  const path = json === null ? undefined : pathFromJson(json);
  const one = { id, type, target: path && showPath(path) };
  if (path !== undefined) {
    if (between === undefined) return { ...one, outcome: 'rolled-back' }; // By the restore of everything, which comes next.
    try {
      addTo(between, await restorePart(directory, path, engine));
    } catch (error) {
      engine.logger.debug(`${id} waits for the restore of everything: ${reasonOf(error)}`);
    }
    return { ...one, outcome: 'rolled-back' };
  }
  if (script === null) return { ...one, outcome: 'no-rollback-script' };
  const error =
    damageOfScript(directory, script) ??
    (engine.targetRoot === undefined ? await runRollbackScript(directory, script) : FOR_THE_MACHINE_ITSELF);
  return error === undefined ? { ...one, outcome: 'rolled-back' } : { ...one, outcome: 'failed', error };
}

/** That it cannot be noted (a read-only medium) must not keep anything from being put back. */
async function settle({ logger }: Engine, log: OperationLog, entries: readonly LoggedOperation[]): Promise<void> {
  try {
    if (entries.length > 0) await log.settle(entries, 'rolled_back');
  } catch (error) {
    logger.warn(`${log.file} does not say what was rolled back: ${reasonOf(error)}`);
  }
}

function tell({ paths, logger }: Engine, { id, type, target, outcome, error }: UndoneOperation): void {
  const what = `${id} (${type}${target === undefined ? '' : ` ${target}`})`;
  const [level, text] = {
    'rolled-back': ['INFO', `rolled back ${what}`],
    'no-rollback-script': ['WARNING', `${what} has no rollback script: what it did beside the captured state stays`],
    failed: ['ERROR', `could not roll back ${what}: ${error}`],
  }[outcome] as [string, string];
  if (level !== 'INFO') logger.warn(text);
  appendToRollbackLog(paths, `[${formatLocalTime(Math.floor(Date.now() / 1000))}] [${level}] ${text}`, logger);
}

/** What could not be taken back although the captured state is back, or undefined. */
export function describeFailures(operations: readonly UndoneOperation[]): string | undefined {
  const failed = operations.filter(({ outcome }) => outcome === 'failed');
  return failed.length === 0 ? undefined : failed.map(({ id, error }) => `not what ${id} did: ${error}`).join('; ');
}
