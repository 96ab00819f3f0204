import { hotfixesOf } from '@homeserver/orchestrator';
import { changeServer } from '../change-server.ts';
import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { hotfixLines } from '../text/describe-hotfixes.ts';
import { hotfixCheckCommand } from './hotfix-check.ts';

export interface HotfixApplyFlags {
  pool?: string;
  retry?: boolean;
  dryRun?: boolean;
  wait?: number;
}

/** `updater hotfix apply`: applies the hotfixes of a module now, without an update and without running other modules. */
export async function hotfixApplyCommand(
  context: CommandContext,
  { module, pool, retry = false, dryRun = false, wait }: HotfixApplyFlags & { module: string },
): Promise<number> {
  if (dryRun) {
    await hotfixCheckCommand(context, { module });
    return EXIT.done;
  }
  const change = { purpose: 'updater hotfix apply', wait };
  const { result } = await changeServer(context, change, (server) =>
    hotfixesOf(server, module).applyHotfixes({
      retry,
      signal: context.signal,
      ...(pool === undefined ? {} : { pool }),
    }),
  );
  const lines = context.quiet ? hotfixLines(result.report).map(({ id, state }) => `${id}: ${state}`) : [];
  context.answer(result.report, lines, result.success);
  if (result.rollbackFailed.length > 0) return EXIT.rollbackFailed;
  return result.success ? EXIT.done : EXIT.failed;
}
