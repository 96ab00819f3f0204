import { checkForUpdates, ORCHESTRATOR_VERSION } from '@homeserver/orchestrator';
import { openForReading, repositoryOf, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';

/** `updater check`: what a run would replace. */
export async function checkCommand(context: CommandContext, flags: { wait?: number }): Promise<number> {
  const { updates, notices, current, commit, release } = await checkForUpdates(openForReading(context), {
    repository: repositoryOf(context),
    signal: context.signal,
    waitMs: (flags.wait ?? 0) * 1000,
  });
  const data = {
    commit,
    updates: updates.map(({ name, fromVersion, toVersion }) => ({ name, from: fromVersion ?? null, to: toVersion })),
    notices,
    current,
    orchestrator: {
      version: ORCHESTRATOR_VERSION,
      available: release.update?.toVersion ?? null,
      notice: release.notice?.text ?? null,
    },
  };
  const own = release.update;
  const count = updates.length + (own === undefined ? 0 : 1);
  const lines = [
    ...(own === undefined ? [] : [`orchestrator: ${own.fromVersion} → ${own.toVersion}`]),
    ...(release.notice === undefined ? [] : [release.notice.text]),
    ...updates.map(({ name, fromVersion, toVersion }) => `${name}: ${fromVersion ?? 'not installed'} → ${toVersion}`),
    ...notices.map(({ text }) => text),
    count === 0
      ? `Nothing to update (${current.length === 1 ? '1 module is' : `${current.length} modules are`} current).`
      : `${count} to update: updater run`,
  ];
  context.answer(data, lines);
  return count > 0 ? EXIT.differs : EXIT.done;
}
