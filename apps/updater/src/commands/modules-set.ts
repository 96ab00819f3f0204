import { setModuleSetting } from '@homeserver/orchestrator';
import { openForChanging, sayResult, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { parseSettingValue } from '../text/parse-setting-value.ts';

/** `updater modules set <module> <key> [value]`: a value laid over the module's configuration; it survives updates. */
export async function modulesSetCommand(
  context: CommandContext,
  module: string,
  key: string,
  text: string | undefined,
  flags: { wait?: number },
): Promise<number> {
  const { server, logging } = openForChanging(context);
  try {
    const options = { waitMs: (flags.wait ?? 0) * 1000, signal: context.signal };
    const settings = await setModuleSetting(
      server,
      module,
      key,
      text === undefined ? undefined : parseSettingValue(text),
      options,
    );
    // The value may be a secret: it is not for the log.
    sayResult(
      context,
      logging,
      `${module}: ${key} is ${text === undefined ? 'as the module says again' : 'set on this server'}`,
    );
    if (context.json) context.answer({ module, keys: Object.keys(settings) }, []);
    return EXIT.done;
  } finally {
    logging.close();
  }
}
