import { errnoName, runCommand, showPath, type CommandOptions, type CommandResult } from '@homeserver/system';
import { simpleGit, type SimpleGit } from 'simple-git';
import { gitEnvironment, policyConfig, type RemoteAccess } from './git-policy.ts';
import { missingProgram } from './missing-program.ts';

export interface GitOptions extends Pick<CommandOptions, 'input' | 'signal' | 'onOutput' | 'maxOutputBytes'> {
  /** The repository; without it git runs outside of any. */
  gitDirectory?: string;
  access?: RemoteAccess;
  /** Default `LONGEST_MS`. */
  timeoutMs?: number;
  /** More settings for this call, `key=value`; they stand above those of the policy. */
  settings?: readonly string[];
  /** No file that git writes may grow larger (RLIMIT_FSIZE): a remote cannot fill the disk. */
  maxFileBytes?: number;
}

/** No call of git may take longer, unless it says so. */
export const LONGEST_MS = 900_000;
/** Of each process that talks to a remote (RLIMIT_DATA): git keeps all the names that a remote sends. */
const MAX_MEMORY_BYTES = 2 * 1024 ** 3;
/** The exit code of prlimit when there is no such program. */
const NOT_EXECUTED = 127;

/**
 * Runs one git command under the policy; how it ended is a value. Naming the repository outright also spares git the search
 * for one, and with it the question of whose it is. Throws 'no-program', SystemError 'command-not-started'.
 */
export async function runGit(args: readonly string[], options: GitOptions = {}): Promise<CommandResult> {
  const { gitDirectory = '/dev/null', access, settings = [], maxFileBytes, timeoutMs = LONGEST_MS, ...rest } = options;
  const given = [...policyConfig, ...settings].flatMap((setting) => ['-c', setting]);
  const git = ['git', ...given, `--git-dir=${gitDirectory}`, ...args] as [string, ...string[]];
  const limits = [
    ...(maxFileBytes === undefined ? [] : [`--fsize=${maxFileBytes}`]),
    ...(access === undefined ? [] : [`--data=${MAX_MEMORY_BYTES}`]),
  ];
  const limited: [string, ...string[]] = limits.length === 0 ? git : ['prlimit', '--core=0', ...limits, ...git];
  try {
    const result = await runCommand(limited, { ...rest, timeoutMs, cwd: '/', env: gitEnvironment(access) });
    if (result.exitCode === NOT_EXECUTED && result.stderr.includes('prlimit: failed to execute git'))
      throw missingProgram('git');
    return result;
  } catch (error) {
    throw errnoName(error) === 'ENOENT' ? missingProgram(limited === git ? 'git' : 'prlimit') : error;
  }
}

export interface PorcelainLimits {
  /** Without a word from git. */
  timeoutMs: number;
  signal?: AbortSignal;
}

/**
 * simple-git under the same policy, for refs. It refuses our own precautions (an empty hook path, no fsmonitor, no user
 * config) unless they are named as intended, which is what `unsafe` and `allowEnvironment` do here. It is not used to talk
 * to a remote: it cannot end git's helpers with it, and it keeps all that a remote says.
 */
export function porcelain(gitDirectory: string, { timeoutMs, signal }: PorcelainLimits): SimpleGit {
  const { GIT_SSH_COMMAND: _, ...environment } = gitEnvironment();
  return simpleGit({
    baseDir: gitDirectory,
    config: [...policyConfig],
    timeout: { block: timeoutMs },
    ...(signal && { abort: signal }),
    allowEnvironment: [...Object.keys(environment), 'GIT_DIR'],
    unsafe: {
      allowUnsafeAskPass: true,
      allowUnsafeConfigPaths: true,
      allowUnsafeCredentialHelper: true,
      allowUnsafeFilter: true,
      allowUnsafeFsMonitor: true,
      allowUnsafeHooksPath: true,
      allowUnsafeProtocolOverride: true,
    },
  }).env({ ...environment, GIT_DIR: gitDirectory });
}

/** What git said of a disk without room, of this machine: what a server sends for people has `remote: ` before it. */
export function fullDisk(stderr: Buffer | string): string | undefined {
  const lines = stderr.toString().split(/[\r\n]+/);
  const own = lines.filter((line) => !line.startsWith('remote:')).join('\n');
  return /No space left on device|Disk quota exceeded/.exec(own)?.[0];
}

const boilerplate =
  /^(Please make sure you have the correct access rights|and the repository exists\.|hint:.*|From .*)$/;
const progress =
  /^(remote: )?((Enumerating|Counting|Compressing|Receiving|Fetching) objects:|Resolving deltas:|Total \d+ \(delta )/;

/** What git said last, in one line of at most 300 characters, without what people should not see. */
export function lastWords(stderr: Buffer | string, secrets: readonly (string | undefined)[] = []): string {
  const lines = stderr
    .toString()
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !boilerplate.test(line) && !progress.test(line));
  let text = lines.join('; ') || 'git gave no reason';
  for (const secret of secrets) if (secret) text = text.replaceAll(secret, '***');
  return showPath(text.length > 300 ? `${text.slice(0, 200)} ... ${text.slice(-95)}` : text);
}
