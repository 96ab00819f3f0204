import { checkoutModuleVersion } from '@homeserver/orchestrator';
import { openForChanging, repositoryOf, sayResult, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';

/** `updater checkout <module> [version]`: installs a released version, and holds it. */
export async function checkoutCommand(
  context: CommandContext,
  module: string,
  version: string | undefined,
  flags: { wait?: number },
): Promise<number> {
  const { server, logging } = openForChanging(context);
  try {
    const checkout = await checkoutModuleVersion(server, module, version, {
      repository: repositoryOf(context),
      waitMs: (flags.wait ?? 0) * 1000,
      signal: context.signal,
    });
    sayResult(
      context,
      logging,
      `${module} is ${checkout.version} now (${checkout.tag}), and is held there until: updater unhold ${module}`,
    );
    if (context.json) context.answer(checkout, []);
    return EXIT.done;
  } finally {
    logging.close();
  }
}
