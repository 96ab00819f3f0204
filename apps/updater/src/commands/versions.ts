import { moduleVersions } from '@homeserver/orchestrator';
import { openForReading, repositoryOf, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { formatTable } from '../text/format-table.ts';

/** `updater versions <module>`: the released versions of a module, newest first. */
export async function versionsCommand(
  context: CommandContext,
  module: string,
  flags: { wait?: number },
): Promise<number> {
  const versions = await moduleVersions(openForReading(context), module, {
    repository: repositoryOf(context),
    waitMs: (flags.wait ?? 0) * 1000,
    signal: context.signal,
  });
  const rows = versions.map(({ version, timestamp, tag }) => [version, timestamp, tag]);
  context.answer(
    { module, versions: versions.map(({ tag, version, timestamp }) => ({ tag, version, timestamp })) },
    versions.length === 0
      ? [`The repository has no released version of ${module}.`]
      : formatTable(['version', 'released', 'tag'], rows),
  );
  return EXIT.done;
}
