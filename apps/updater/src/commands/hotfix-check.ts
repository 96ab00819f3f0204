import { hotfixesOf } from '@homeserver/orchestrator';
import { openForReading, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { hotfixLines, wouldChange } from '../text/describe-hotfixes.ts';

/** `updater hotfix check`: what would be applied, and what is found at each destination, with diffs. */
export async function hotfixCheckCommand(context: CommandContext, { module }: { module: string }): Promise<number> {
  const report = await hotfixesOf(openForReading(context), module).check();
  const lines = hotfixLines(report).flatMap(({ id, state, reason, diffs }) => [
    `${id}: ${state}${reason === '' ? '' : `: ${reason}`}`,
    ...diffs.flatMap((diff) => diff.trimEnd().split('\n')),
  ]);
  context.answer(report, lines.length === 0 ? ['There are no hotfixes.'] : lines);
  return wouldChange(report) ? EXIT.differs : EXIT.done;
}
