import path from 'node:path';
import { planRun } from '@homeserver/orchestrator';
import { openForReading, repositoryOf, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { describePlan } from '../text/describe-plan.ts';
import type { RunFlags } from './run.ts';

/** `updater plan`, `updater run --dry-run`: what a run would do. */
export async function planCommand(context: CommandContext, flags: RunFlags): Promise<number> {
  const { acceptTip, bundle, only, module: modules, retry = false, allowDowngrade, wait = 0 } = flags;
  const plan = await planRun(openForReading(context), {
    repository: {
      ...repositoryOf(context),
      ...(acceptTip === undefined ? {} : { acceptTip }),
      ...(bundle === undefined ? {} : { bundle: path.resolve(bundle) }),
    },
    signal: context.signal,
    waitMs: wait * 1000,
    retry,
    ...(only === undefined ? {} : { only }),
    ...(modules === undefined ? {} : { modules }),
    ...(allowDowngrade === undefined ? {} : { allowDowngrade }),
  });
  const { commit = null, recovery, release, updates, notices, runs, unusable, wouldChange } = plan;
  const data = {
    commit,
    recovered: recovery.recovered,
    orchestrator: { available: release.update?.toVersion ?? null, notice: release.notice?.text ?? null },
    updates: updates.map(({ from = null, ...update }) => ({ ...update, from })),
    notices,
    runs,
    unusable,
    wouldChange,
  };
  context.answer(data, describePlan(plan));
  return wouldChange ? EXIT.differs : EXIT.done;
}
