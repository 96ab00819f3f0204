import { applyPools, toModuleResult } from '@homeserver/hotfix-pools';
import type { ModuleContext, ModuleResult } from '@homeserver/orchestrator';

/** Applies the pools of index.json. A pool that fails is put back by itself, and is no failure of the module. */
export async function main(_args: string[], context: ModuleContext): Promise<ModuleResult> {
  const { state, stateDir, log, retry, dryRun, signal } = context;
  const report = await applyPools({
    directory: import.meta.dirname,
    state,
    stateDir,
    logger: log,
    retry,
    dryRun,
    signal,
  });
  return toModuleResult(report);
}
