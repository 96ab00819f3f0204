import { adviceToGiveUp, type RecoveryReport } from '@homeserver/state-manager';
import type { Answer, CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { describeUndone, undoneToJson } from '../text/describe-undone.ts';
import { plural } from '../text/plural.ts';

/** `--recover`: finishes what a crash interrupted. */
export async function recover({ state, targetRoot, onEvent, beginChange, toType }: CommandContext): Promise<Answer> {
  beginChange();
  const report = await told(() => state.recover(), onEvent);
  const { found, endedProcesses, damaged } = report;
  const lines = [
    ...(found.length + damaged.length === 0 ? ['Nothing was open.'] : []),
    ...(endedProcesses > 0 ? [`Ended ${endedProcesses} processes that the interrupted run had left.`] : []),
    ...found.flatMap(describeUndone),
    ...damaged.flatMap(({ file, why, giveUp }) => [
      `FAILED: the note of a change cannot be read: ${file}: ${why}`,
      `  ${adviceToGiveUp(giveUp)}`,
    ]),
  ];
  const answer = { data: toJson(report), lines };
  const failures = found.filter((one) => one.outcome === 'failed').length + damaged.length;
  if (failures === 0) return { ...answer, exitCode: EXIT.done };
  const message = `${plural(failures, 'change')} could not be undone${targetRoot === undefined ? '' : ' completely'}`;
  const isForGood = [...found.filter(({ outcome }) => outcome === 'failed'), ...damaged].every(
    ({ giveUp }) => giveUp !== undefined,
  );
  if (isForGood) {
    const hint = 'see above: each names what can be typed when it cannot be mended';
    return { ...answer, exitCode: EXIT.rollbackFailed, problem: { message, hint } };
  }
  const hint =
    targetRoot === undefined
      ? `see above; put it right and try again, or put back what a module's backup holds: ${toType('--list-backups')}`
      : 'see above; what only the machine itself can do, it does when it starts from that disk (or there: rollback-standalone --recover)';
  return { ...answer, exitCode: EXIT.rollbackFailed, problem: { message, hint } };
}

async function told<Result>(work: () => Promise<Result>, onEvent: CommandContext['onEvent']): Promise<Result> {
  const startedMs = performance.now();
  onEvent({ type: 'phase', phase: 'recover', state: 'begun' });
  try {
    return await work();
  } finally {
    const durationMs = Math.round(performance.now() - startedMs);
    onEvent({ type: 'phase', phase: 'recover', state: 'ended', durationMs });
  }
}

function toJson({ found, endedProcesses, damaged }: RecoveryReport): object {
  return {
    found: found.map(undoneToJson),
    ended_processes: endedProcesses,
    damaged: damaged.map(({ file, why, giveUp }) => ({ file, why, give_up: giveUp })),
  };
}
