import { runCommand, showPath, type CommandOptions, type CommandResult } from '@homeserver/system';
import { simpleGit, type SimpleGit } from 'simple-git';
import { gitEnvironment, policyConfig, type RemoteAccess } from './git-policy.ts';

export interface GitOptions extends Pick<
  CommandOptions,
  'input' | 'timeoutMs' | 'signal' | 'onOutput' | 'maxOutputBytes'
> {
  /** The repository; without it git runs outside of any. */
  gitDirectory?: string;
  access?: RemoteAccess;
  /** More settings for this call, `key=value`; they stand above those of the policy. */
  settings?: readonly string[];
  /** No file that git writes may grow larger (RLIMIT_FSIZE): a remote cannot fill the disk. */
  maxFileBytes?: number;
}

/** Of each process that talks to a remote (RLIMIT_DATA): git keeps all the names that a remote sends. */
const MAX_MEMORY_BYTES = 2 * 1024 ** 3;

/**
 * Runs one git command under the policy; how it ended is a value. Naming the repository outright also spares git the search
 * for one, and with it the question of whose it is.
 */
export async function runGit(args: readonly string[], options: GitOptions = {}): Promise<CommandResult> {
  const { gitDirectory = '/dev/null', access, settings = [], maxFileBytes, ...rest } = options;
  const given = [...policyConfig, ...settings].flatMap((setting) => ['-c', setting]);
  const git = ['git', ...given, `--git-dir=${gitDirectory}`, ...args] as [string, ...string[]];
  const limits = [
    ...(maxFileBytes === undefined ? [] : [`--fsize=${maxFileBytes}`]),
    ...(access === undefined ? [] : [`--data=${MAX_MEMORY_BYTES}`]),
  ];
  const limited: [string, ...string[]] = limits.length === 0 ? git : ['prlimit', '--core=0', ...limits, ...git];
  return runCommand(limited, { ...rest, cwd: '/', env: gitEnvironment(access) });
}

/**
 * simple-git under the same policy, for refs. It refuses our own precautions (an empty hook path, no fsmonitor, no user
 * config) unless they are named as intended, which is what `unsafe` and `allowEnvironment` do here. It is not used to talk
 * to a remote: it cannot end git's helpers with it, and it keeps all that a remote says.
 */
export function porcelain(gitDirectory: string): SimpleGit {
  const { GIT_SSH_COMMAND: _, ...environment } = gitEnvironment();
  return simpleGit({
    baseDir: gitDirectory,
    config: [...policyConfig],
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
