import path from 'node:path';
import { outcomeOf, update, type CycleReport, type SelfUpdateOptions } from '@homeserver/orchestrator';
import type { SuccessorEnd } from '@homeserver/system';
import { openForChanging, repositoryOf, type CommandContext } from '../command-context.ts';
import { exitCodeOfCycle } from '../exit-codes.ts';
import { leaveService } from '../leave-service.ts';
import { exitCodeOfProcess } from '../process-exit-code.ts';
import { summarizeRun } from '../text/summarize-run.ts';
import { tellingOfIt } from '../tell/tell-of-run.ts';

export interface RunFlags {
  only?: 'replace' | 'run';
  module?: string[];
  retry?: boolean;
  wait?: number;
  acceptTip?: string;
  bundle?: string;
  allowDowngrade?: string[];
}

/** `updater run`: one whole cycle. */
export async function runCommand(context: CommandContext, flags: RunFlags): Promise<number> {
  const { server, logging } = openForChanging(context);
  try {
    await leaveService(logging);
    const report = await tellingOfIt(server, context.settings, () =>
      update(server, {
        repository: {
          ...repositoryOf(context),
          ...(flags.acceptTip === undefined ? {} : { acceptTip: flags.acceptTip }),
          ...(flags.bundle === undefined ? {} : { bundle: path.resolve(flags.bundle) }),
        },
        signal: context.signal,
        selfUpdate: selfUpdateOf(context),
        waitMs: (flags.wait ?? 0) * 1000,
        jobs: context.settings.jobs,
        retry: flags.retry ?? false,
        ...(flags.only === undefined ? {} : { only: flags.only }),
        ...(flags.module === undefined ? {} : { modules: flags.module }),
        ...(flags.allowDowngrade === undefined ? {} : { allowDowngrade: flags.allowDowngrade }),
      }),
    );
    if (report.successor !== undefined) return answerOf(report.successor);
    const outcome = outcomeOf(report);
    context.answer(toJson(report), summarizeRun(report), outcome === 'ok');
    return exitCodeOfCycle(outcome, context.stoppedBy());
  } finally {
    logging.close();
  }
}

function selfUpdateOf({ settings, json, jsonLines, start }: CommandContext): SelfUpdateOptions {
  const { args, takeover, notStarted } = start;
  return {
    args,
    timeoutMs: settings.releaseTimeout * 1000,
    holdOutput: json && !jsonLines, // Events are for now; of answers there must be one.
    ...(takeover === undefined ? {} : { takeover }),
    ...(notStarted === undefined ? {} : { notStarted }),
  };
}

/** A newer release went on in our place: what it said and how it ended is the answer. */
function answerOf(successor: SuccessorEnd): number {
  process.stdout.write(successor.output);
  return exitCodeOfProcess(successor);
}

/** The report of a run, for --json. */
export function toJson(report: CycleReport): object {
  return {
    run: report.id,
    mode: report.mode ?? 'schema',
    outcome: outcomeOf(report),
    commit: report.commit ?? null,
    orchestrator: orchestratorOf(report),
    recovered: report.recovery.recovered,
    updated: report.replaced.map(({ name, fromVersion, toVersion }) => ({
      name,
      from: fromVersion ?? null,
      to: toVersion,
    })),
    not_updated: report.notReplaced,
    notices: report.notices,
    modules: report.outcomes,
  };
}

function orchestratorOf({ orchestrator }: CycleReport): object {
  const { version, from, update: found, problems } = orchestrator;
  return { version, from: from ?? version, available: found?.toVersion ?? null, problems };
}
