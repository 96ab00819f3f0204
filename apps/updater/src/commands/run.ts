import path from 'node:path';
import { outcomeOf, update, type CycleReport } from '@homeserver/orchestrator';
import { openForChanging, repositoryOf, type CommandContext } from '../command-context.ts';
import { exitCodeOfCycle } from '../exit-codes.ts';
import { leaveService } from '../leave-service.ts';
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
        waitMs: (flags.wait ?? 0) * 1000,
        jobs: context.settings.jobs,
        retry: flags.retry ?? false,
        ...(flags.only === undefined ? {} : { only: flags.only }),
        ...(flags.module === undefined ? {} : { modules: flags.module }),
        ...(flags.allowDowngrade === undefined ? {} : { allowDowngrade: flags.allowDowngrade }),
      }),
    );
    const outcome = outcomeOf(report);
    if (context.json) context.answer(toJson(report), [], outcome === 'ok');
    return exitCodeOfCycle(outcome, context.stoppedBy());
  } finally {
    logging.close();
  }
}

/** The report of a run, for --json. */
export function toJson(report: CycleReport): object {
  return {
    run: report.id,
    outcome: outcomeOf(report),
    commit: report.commit ?? null,
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
