import { recover, recoverEarly, type ServerRecovery } from '@homeserver/orchestrator';
import { openForChanging, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { leaveService } from '../leave-service.ts';

export type RecoveryPhase = 'early' | 'late';

/** `updater recover`: finishes what a crash interrupted, and nothing else. The late phase is all that is left to do. */
export async function recoverCommand(
  context: CommandContext,
  flags: { wait?: number; phase?: RecoveryPhase },
): Promise<number> {
  const { server, logging } = openForChanging(context);
  try {
    const isEarly = flags.phase === 'early';
    if (!isEarly) await leaveService(logging);
    const options = { waitMs: (flags.wait ?? 0) * 1000, signal: context.signal };
    const recovery = await (isEarly ? recoverEarly(server, options) : recover(server, options));
    const ended: ServerRecovery = recovery ?? { recovered: [], failed: [] };
    const { recovered, failed } = ended;
    const ok = failed.length === 0;
    const nothing = isEarly ? 'Nothing has to be put back before services start.' : 'Nothing was open.';
    const text =
      recovered.length + failed.length === 0 ? nothing : `${recovered.length} recovered, ${failed.length} failed.`;
    context.answer(ended, recovery === undefined ? [] : [text], ok);
    return ok ? EXIT.done : EXIT.rollbackFailed;
  } finally {
    logging.close();
  }
}
