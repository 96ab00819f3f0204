import { reasonOf } from '@homeserver/system';
import { OrchestratorError } from '../errors.ts';
import type { Server } from '../server.ts';
import { outcomeOf, toRunRecord, type CycleReport } from './cycle-report.ts';
import { writeRunRecord } from './run-record.ts';

/** The history also tells of runs that came to nothing; that it cannot be written must not hide why. */
export function recordEarlyEnd({ paths, logger, historyDays }: Server, report: CycleReport, error: unknown): void {
  report.ended = Math.floor(Date.now() / 1000);
  const isStopped = error instanceof OrchestratorError && error.code === 'stopped';
  const otherwise = isStopped ? 'stopped' : 'refused';
  const outcome = outcomeOf(report) === 'rollback-failed' ? 'rollback-failed' : otherwise;
  try {
    writeRunRecord(paths, { ...toRunRecord(report), outcome, error: reasonOf(error) }, historyDays);
  } catch (failure) {
    logger.debug(`the run record could not be written: ${reasonOf(failure)}`);
  }
}
