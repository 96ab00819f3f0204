import { setModuleEnabled } from '@homeserver/orchestrator';
import { openForChanging, sayResult, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';

/** `updater modules enable|disable <module>`: the owner's choice, which survives updates. */
export async function modulesEnableCommand(
  context: CommandContext,
  action: 'enable' | 'disable',
  module: string,
  flags: { wait?: number },
): Promise<number> {
  const { server, logging } = openForChanging(context);
  try {
    const enabled = action === 'enable';
    await setModuleEnabled(server, module, enabled, { waitMs: (flags.wait ?? 0) * 1000, signal: context.signal });
    sayResult(context, logging, `${module} is ${enabled ? 'enabled' : 'disabled'} on this server`);
    if (context.json) context.answer({ module, enabled }, []);
    return EXIT.done;
  } finally {
    logging.close();
  }
}
