import { HotfixManager, toModuleResult } from '@homeserver/hotfix-pools';
import type { ModuleContext, ModuleResult } from '@homeserver/orchestrator';

/** Applies the pools, or the operations, of index.json. What fails is put back by itself, and is no failure of the module. */
export async function main(_args: string[], context: ModuleContext): Promise<ModuleResult> {
  const { state, stateDir, log, retry, dryRun, signal } = context;
  const hotfixes = new HotfixManager(import.meta.dirname, { state, stateDir, logger: log });
  const { report } = await hotfixes.applyHotfixes({ retry, dryRun, signal });
  return toModuleResult(report);
}
