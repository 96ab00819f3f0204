import { checkForUpdates } from '@homeserver/orchestrator';
import { openForReading, repositoryOf, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';

/** `updater check`: what a run would replace. */
export async function checkCommand(context: CommandContext, flags: { wait?: number }): Promise<number> {
  const { updates, notices, current, commit } = await checkForUpdates(openForReading(context), {
    repository: repositoryOf(context),
    signal: context.signal,
    waitMs: (flags.wait ?? 0) * 1000,
  });
  const data = {
    commit,
    updates: updates.map(({ name, fromVersion, toVersion }) => ({ name, from: fromVersion ?? null, to: toVersion })),
    notices,
    current,
  };
  const lines = [
    ...updates.map(({ name, fromVersion, toVersion }) => `${name}: ${fromVersion ?? 'not installed'} → ${toVersion}`),
    ...notices.map(({ text }) => text),
    updates.length === 0
      ? `Nothing to update (${current.length} modules are current).`
      : `${updates.length} to update: updater run`,
  ];
  context.answer(data, lines);
  return updates.length > 0 ? EXIT.differs : EXIT.done;
}
