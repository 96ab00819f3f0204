import { checkModulePermissions } from '@homeserver/orchestrator';
import { describeChange, type PermissionChange } from '@homeserver/permissions';
import { pathToJson } from '@homeserver/system';
import { openForReading, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';

/** `updater permissions check <module>`: what is not as the module's configuration describes it. */
export async function permissionsCheckCommand(context: CommandContext, module: string): Promise<number> {
  const plan = await checkModulePermissions(openForReading(context), module);
  const { changes, unchanged, skipped, failed } = plan;
  const differs = changes.length + failed.length > 0;
  context.answer({ module, changes: changes.map(toJson), unchanged, skipped, failed }, [
    ...changes.map(describeChange),
    ...failed.map(({ path, why }) => `${path}: ${why}`),
    ...skipped.map(({ path, why }) => `${path} is left alone: it ${why}`),
    differs
      ? `${changes.length + failed.length} of ${module} differ: updater permissions apply ${module}`
      : `All ${unchanged} are as ${module} describes them.`,
  ]);
  return differs ? EXIT.differs : EXIT.done;
}

export function toJson(change: PermissionChange): object {
  return { ...change, path: pathToJson(change.path) };
}
