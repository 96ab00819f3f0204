import { restore } from '@homeserver/orchestrator';
import { openForChanging, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';

/** `updater restore <module>`: puts a module's backup back. */
export async function restoreCommand(
  context: CommandContext,
  module: string,
  flags: { wait?: number },
): Promise<number> {
  const { server, logging } = openForChanging(context);
  try {
    const { report, recovery } = await restore(server, module, {
      waitMs: (flags.wait ?? 0) * 1000,
      signal: context.signal,
    });
    const ok = recovery.failed.length === 0;
    logging.info(
      `Restored ${module}: ${report.restored.length} put back, ${report.adjusted.length} adjusted, ${report.unchanged} unchanged`,
    );
    for (const { from, to } of report.displaced) logging.info(`${from} was moved to ${to}`);
    if (context.json) context.answer({ ...report, recovery }, [], ok);
    return ok ? EXIT.done : EXIT.rollbackFailed;
  } finally {
    logging.close();
  }
}
