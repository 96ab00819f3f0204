import { hotfixesOf } from '@homeserver/orchestrator';
import { confirm } from '../ask-yes-or-no.ts';
import { changeServer } from '../change-server.ts';
import { sayResult, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';

export interface HotfixRollbackFlags {
  pool?: string;
  yes?: boolean;
  wait?: number;
}

/** `updater hotfix rollback`: puts back what was last applied; it is not applied again before a new version. */
export async function hotfixRollbackCommand(
  context: CommandContext,
  { module, pool, yes, wait }: HotfixRollbackFlags & { module: string },
): Promise<number> {
  const what = pool === undefined ? `all hotfixes of ${module}` : `the pool ${pool}`;
  await confirm(context, { text: `Put ${what} back as before?`, yes, withoutTerminal: 'go-on' });
  const change = { purpose: 'updater hotfix rollback', wait };
  const { result } = await changeServer(context, change, async (server, logging) => {
    const rollbacks = await hotfixesOf(server, module).rollBack(pool === undefined ? {} : { pool });
    for (const { id, outcome, reason, restored } of rollbacks) {
      const text = `${id}: ${outcome}: ${reason}${restored.length === 0 ? '' : ` (${restored.length} put back)`}`;
      if (outcome === 'failed') logging.error(text);
      else sayResult(context, logging, text);
    }
    return rollbacks;
  });
  const failed = result.some(({ outcome }) => outcome === 'failed');
  if (context.json) context.answer({ module, rollbacks: result }, [], !failed);
  return failed ? EXIT.rollbackFailed : EXIT.done;
}
