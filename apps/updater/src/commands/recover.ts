import { recover } from '@homeserver/orchestrator';
import { openForChanging, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { leaveService } from '../leave-service.ts';

/** `updater recover`: finishes what a crash interrupted, and nothing else. */
export async function recoverCommand(context: CommandContext, flags: { wait?: number }): Promise<number> {
  const { server, logging } = openForChanging(context);
  try {
    await leaveService(logging);
    const recovery = await recover(server, { waitMs: (flags.wait ?? 0) * 1000, signal: context.signal });
    const { recovered, failed } = recovery;
    const ok = failed.length === 0;
    const text =
      recovered.length + failed.length === 0
        ? 'Nothing was open.'
        : `${recovered.length} recovered, ${failed.length} failed.`;
    context.answer(recovery, [text], ok);
    return ok ? EXIT.done : EXIT.rollbackFailed;
  } finally {
    logging.close();
  }
}
