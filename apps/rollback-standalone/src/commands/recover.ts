import type { RecoveryReport, Undone } from '@homeserver/state-manager';
import type { Answer, CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { plural } from '../text/plural.ts';
import { listRestore, summarizeRestore } from '../text/describe-restore.ts';

/** `--recover`: finishes what a crash interrupted. */
export async function recover({ state, beginChange, toType }: CommandContext): Promise<Answer> {
  beginChange();
  const report = await state.recover();
  const { found, endedProcesses, damaged } = report;
  const lines = [
    ...(found.length + damaged.length === 0 ? ['Nothing was open.'] : []),
    ...(endedProcesses > 0 ? [`Ended ${endedProcesses} processes that the interrupted run had left.`] : []),
    ...found.flatMap(describe),
    ...damaged.map(({ file, why }) => `FAILED: the note of a change cannot be read: ${file}: ${why}`),
  ];
  const answer = { data: toJson(report), lines };
  const failures = found.filter((one) => one.outcome === 'failed').length + damaged.length;
  if (failures === 0) return { ...answer, exitCode: EXIT.done };
  const message = `${plural(failures, 'change')} could not be undone`;
  const hint = `see above; put it right and try again, or put back what a module's backup holds: ${toType('--list-backups')}`;
  return { ...answer, exitCode: EXIT.rollbackFailed, problem: { message, hint } };
}

function describe({ slot, kind, outcome, error, report }: Undone): string[] {
  if (outcome === 'failed') return [`${slot}: FAILED: ${error}`, ...(report ? listRestore(report) : [])];
  if (outcome === 'committed') return [`${slot}: its change had been completed; only the note of it was left`];
  const isAskedFor = ['restore', 'snapshot', 'rollback'].includes(kind);
  const what = isAskedFor ? 'the interrupted restore is complete' : 'the interrupted change was undone';
  return [`${slot}: ${what}${report ? `: ${summarizeRestore(report)}` : ''}`, ...(report ? listRestore(report) : [])];
}

function toJson({ found, endedProcesses, damaged }: RecoveryReport): object {
  return {
    found: found.map(({ slot, kind, outcome, error, report }) => ({
      slot,
      kind,
      outcome,
      error: error ?? null,
      report: report ?? null,
    })),
    ended_processes: endedProcesses,
    damaged,
  };
}
