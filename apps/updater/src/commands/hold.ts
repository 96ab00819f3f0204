import { hold, unhold } from '@homeserver/orchestrator';
import { openForChanging, sayResult, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';

/** `updater hold <module>` and `updater unhold <module>`. */
export async function holdCommand(
  context: CommandContext,
  action: 'hold' | 'unhold',
  module: string,
  flags: { wait?: number },
): Promise<number> {
  const { server, logging } = openForChanging(context);
  const options = { waitMs: (flags.wait ?? 0) * 1000, signal: context.signal };
  try {
    const held = await (action === 'hold' ? hold : unhold)(server, module, options);
    if (held === undefined) sayResult(context, logging, `${module} was not held`);
    else if (action === 'hold')
      sayResult(context, logging, `${module} is held at ${held.version} until: updater unhold ${module}`);
    else sayResult(context, logging, `${module} is not held at ${held.version} any more; the next run may update it`);
    if (context.json) context.answer({ module, held: action === 'hold', version: held?.version ?? null }, []);
    return EXIT.done;
  } finally {
    logging.close();
  }
}
