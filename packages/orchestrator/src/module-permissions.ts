import { createModulePermissionTargets, PermissionManager } from '@homeserver/permissions';
import type { PermissionPlan, PermissionReport, PermissionTarget } from '@homeserver/permissions';
import { OrchestratorError } from './errors.ts';
import { installedModule } from './hold.ts';
import type { ServerRecovery } from './recover/recover-server.ts';
import type { Server } from './server.ts';
import { underLock } from './under-lock.ts';

/**
 * What differs from the permissions that an installed module's configuration describes; changes nothing. Throws
 * OrchestratorError 'usage' for a module that is not here or describes none, PermissionError for a target that is wrong.
 */
export async function checkModulePermissions(server: Server, module: string): Promise<PermissionPlan> {
  return new PermissionManager(module).plan(targetsOf(server, module));
}

/** Makes it so, under the lock, after finishing what a crash left open. Throws as the check does, and 'locked'. */
export async function applyModulePermissions(
  server: Server,
  module: string,
  options: { waitMs?: number; signal?: AbortSignal } = {},
): Promise<{ report: PermissionReport; recovery: ServerRecovery }> {
  const targets = targetsOf(server, module);
  const manager = new PermissionManager(module, { logger: server.logger });
  const { result, recovery } = await underLock(
    server,
    { purpose: `updater permissions apply ${module}`, ifNotRecovered: 'report', ...options },
    () => manager.setPermissions(targets),
  );
  return { report: result, recovery };
}

function targetsOf(server: Server, name: string): PermissionTarget[] {
  const module = installedModule(server, name);
  if (!module.index.ok) throw new OrchestratorError('usage', module.index.problem);
  const targets = createModulePermissionTargets(module.index.index.configuration);
  if (targets.length > 0) return targets;
  throw new OrchestratorError('usage', `module "${name}" describes no permissions`, {
    hint: 'they stand in its index.json under config.directories',
  });
}
