import { removeModule } from '@homeserver/orchestrator';
import { confirm } from '../ask-yes-or-no.ts';
import { openForChanging, sayResult, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';

/** `updater modules remove <module>`: for one that left the repository. Its backups and its state directory stay. */
export async function modulesRemoveCommand(
  context: CommandContext,
  module: string,
  flags: { wait?: number; yes?: boolean },
): Promise<number> {
  const text = `Remove the module ${module} with all its versions? Its backups and its state stay.`;
  await confirm(context, { text, yes: flags.yes, withoutTerminal: 'refuse' });
  const { server, logging } = openForChanging(context);
  try {
    const { repoUrl: url, branch } = context.settings;
    const options = { waitMs: (flags.wait ?? 0) * 1000, signal: context.signal };
    const { version } = await removeModule(server, module, { url, branch }, options);
    sayResult(context, logging, `Removed module ${module} ${version ?? ''}; its backups and its state are kept`);
    if (context.json) context.answer({ module, version: version ?? null }, []);
    return EXIT.done;
  } finally {
    logging.close();
  }
}
