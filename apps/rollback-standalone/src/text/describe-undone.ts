import { adviceToGiveUp, type Undone } from '@homeserver/state-manager';
import { listRestore, summarizeRestore } from './describe-restore.ts';

const WHAT: Readonly<Record<Undone['kind'], string>> = {
  guard: 'the interrupted change was undone',
  session: 'the interrupted run was undone',
  restore: 'the interrupted restore is complete',
  snapshot: 'the interrupted restore is complete',
  rollback: 'its operations are rolled back',
};

/** How one change ended, for people. */
export function describeUndone({ slot, kind, outcome, error, giveUp, report, operations = [] }: Undone): string[] {
  const details = [
    ...operations.map((one) => `  ${one.id}: ${one.outcome}${one.error === undefined ? '' : `: ${one.error}`}`),
    ...(report ? listRestore(report) : []),
  ];
  const advice = giveUp === undefined ? [] : [`  ${adviceToGiveUp(giveUp)}`];
  if (outcome === 'failed') return [`${slot}: FAILED: ${error}`, ...advice, ...details];
  if (outcome === 'committed') return [`${slot}: its change had been completed; only the note of it was left`];
  return [`${slot}: ${WHAT[kind]}${report ? `: ${summarizeRestore(report)}` : ''}`, ...details];
}

export function undoneToJson({ slot, kind, outcome, error, giveUp, report, operations }: Undone): object {
  const { backupId, ...rest } = report ?? {};
  const told = report === undefined ? null : { ...rest, backup_id: backupId };
  const advice = giveUp === undefined ? {} : { give_up: giveUp };
  return { slot, kind, outcome, error: error ?? null, ...advice, report: told, operations: operations ?? [] };
}
