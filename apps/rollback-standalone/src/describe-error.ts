import { StateManagerError } from '@homeserver/state-manager';
import type { CommandContext } from './command-context.ts';
import { EXIT, ofStateManager } from './exit-codes.ts';
import { UsageError } from './usage-error.ts';

/** An error as the person sees it: one line, what to do about it, and the exit code. */
export interface DescribedError {
  code: string;
  message: string;
  hint: string | undefined;
  exitCode: number;
}

const remedies: Readonly<Record<string, string>> = {
  EACCES: 'run it as root',
  EPERM: 'run it as root',
  ENOSPC: 'free some space, then type the same again',
  EROFS: 'mount that file system for writing, then type the same again',
};

/** `context` is undefined when the error came before there was anything to work with. */
export function describeError(error: unknown, context: CommandContext | undefined): DescribedError {
  const { code, hint } = error as { code?: string; hint?: string };
  const isOurs = error instanceof UsageError || error instanceof StateManagerError;
  const described = { code: code ?? 'unexpected', message: isOurs ? error.message : reasonOf(error) };
  if (error instanceof UsageError) return { ...described, hint, exitCode: EXIT.usage };
  if (error instanceof StateManagerError && error.code !== 'io') {
    return { ...described, hint: hintFor(error, context), exitCode: ofStateManager[error.code] };
  }
  // What failed half-way has left its note, and is completed by a recovery; what did not even begin has not.
  if (context && isOpen(context)) {
    const again = `when that is put right: ${context.toType('--recover')}`;
    return { ...described, hint: again, exitCode: EXIT.rollbackFailed };
  }
  const errno = chainOf(error).find((cause) => cause.code !== undefined && cause.code in remedies)?.code;
  if (errno === undefined) return { ...described, hint, exitCode: EXIT.unexpected };
  if (errno === 'EROFS' && context?.displacedDir !== undefined) {
    return {
      ...described,
      hint: 'give a place that can be written to: --displaced-dir DIR',
      exitCode: EXIT.unexpected,
    };
  }
  const lacksRights = errno === 'EACCES' || errno === 'EPERM';
  return { ...described, hint: remedies[errno], exitCode: lacksRights ? EXIT.usage : EXIT.unexpected };
}

/** The library's own hints name the updater's commands; today there may be no updater. */
function hintFor({ code, hint }: StateManagerError, context: CommandContext | undefined): string | undefined {
  if (context === undefined) return hint;
  if (code === 'locked') return 'let it end (or end it), then type the same again';
  if (code === 'damaged')
    return `nothing live was touched; to see which backups are good: ${context.toType('--verify')}`;
  if (code === 'rollback-failed') return `to see what is open: ${context.toType('--recover')}`;
  return hint
    ?.replace('updater recover', 'rollback-standalone --recover')
    .replace('updater snapshots list', () => context.toType('--list-snapshots'));
}

function isOpen({ state }: CommandContext): boolean {
  try {
    return state.hasOpenChanges();
  } catch {
    return false;
  }
}

/** The messages of an error and of its causes, in one line. */
function reasonOf(error: unknown): string {
  const parts: string[] = [];
  for (const { message } of chainOf(error)) if (!parts.some((part) => part.includes(message))) parts.push(message);
  return parts.join(': ').replaceAll(/\s*\n\s*/g, ' ');
}

function chainOf(error: unknown): NodeJS.ErrnoException[] {
  const causes: NodeJS.ErrnoException[] = [];
  for (let cause = error; cause !== undefined && causes.length < 5; cause = causes.at(-1)?.cause) {
    causes.push(cause instanceof Error ? cause : new Error(String(cause)));
  }
  return causes;
}
