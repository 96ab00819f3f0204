import { applyModulePermissions } from '@homeserver/orchestrator';
import { openForChanging, sayResult, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { toJson } from './permissions-check.ts';

/** `updater permissions apply <module>`: gives what a module describes its owner, group and mode. */
export async function permissionsApplyCommand(
  context: CommandContext,
  module: string,
  flags: { wait?: number },
): Promise<number> {
  const { server, logging } = openForChanging(context);
  try {
    const { report, recovery } = await applyModulePermissions(server, module, {
      waitMs: (flags.wait ?? 0) * 1000,
      signal: context.signal,
    });
    const recovered = recovery.failed.length === 0;
    sayResult(
      context,
      logging,
      `Permissions of ${module}: ${report.changed.length} changed, ${report.unchanged} were right`,
    );
    if (context.json)
      context.answer(
        { module, ...report, changed: report.changed.map(toJson), recovery },
        [],
        report.success && recovered,
      );
    if (!recovered) return EXIT.rollbackFailed;
    return report.success ? EXIT.done : EXIT.failed;
  } finally {
    logging.close();
  }
}
