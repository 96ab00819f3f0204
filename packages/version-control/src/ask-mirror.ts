import { describeEnd, type CommandResult } from '@homeserver/system';
import { GitPluginError } from 'simple-git';
import { VersionControlError } from './errors.ts';
import { missingProgram } from './missing-program.ts';
import type { Mirror } from './mirror.ts';
import { porcelain, runGit, type GitOptions } from './run-git.ts';

/**
 * Runs git on the mirror, within the mirror's time limit and until its signal is aborted. Throws 'git-failed' when either
 * ended it: such an end says nothing of the mirror.
 */
export async function askMirror(
  mirror: Mirror,
  args: readonly [command: string, ...rest: string[]],
  options: GitOptions = {},
): Promise<CommandResult> {
  const { directory, timeoutMs, signal } = mirror;
  const result = await runGit(args, { timeoutMs, ...(signal && { signal }), ...options, gitDirectory: directory });
  if (result.timedOut || result.aborted) throw stopped(mirror, args[0], describeEnd(result));
  return result;
}

/** As `askMirror`, through simple-git: what the command says, or simple-git's own error when it fails. */
export async function askRefs(mirror: Mirror, command: string, ...args: string[]): Promise<string> {
  try {
    return await porcelain(mirror.directory, mirror).raw(command, ...args);
  } catch (error) {
    if (error instanceof GitPluginError)
      throw stopped(
        mirror,
        command,
        error.plugin === 'timeout' ? 'stopped after its time limit' : 'stopped on request',
      );
    if (error instanceof Error && error.message.includes('spawn git ENOENT')) throw missingProgram('git');
    throw error;
  }
}

function stopped({ directory }: Mirror, command: string, how: string): VersionControlError {
  return new VersionControlError('git-failed', `cannot read from the mirror ${directory}: git ${command} was ${how}`);
}
