import { askYesOrNo } from './ask-yes-or-no.ts';
import type { CommandContext } from './command-context.ts';
import { UsageError } from './usage-error.ts';

/**
 * Says what is going to happen, and asks. Throws UsageError unless the person says yes, here or by --yes. `again`: the
 * arguments that do the same without a question.
 */
export async function confirmChange(
  context: CommandContext,
  { says, question, again }: { says: readonly string[]; question: string; again: readonly string[] },
): Promise<void> {
  const { state, targetRoot, displacedDir, yes, say, toType } = context;
  const isOpen = state.hasOpenChanges();
  say([
    ...says,
    ...(targetRoot === undefined ? [] : [`Everything goes below ${targetRoot}; nothing of this machine is touched.`]),
    ...(displacedDir === undefined
      ? []
      : [`Nothing is written to ${state.backupDir}: what has to make way goes to ${displacedDir}.`]),
    ...(isOpen && displacedDir === undefined ? ['An interrupted change is undone first.'] : []),
  ]);
  if (yes) return;
  const line = toType(...again, '--yes');
  if (!process.stdin.isTTY) {
    throw new UsageError('nothing was touched: there is no terminal to ask on', { hint: `type: ${line}` });
  }
  if (await askYesOrNo(question)) return;
  throw new UsageError('nothing was touched', { hint: `to do it after all: ${line}` });
}
