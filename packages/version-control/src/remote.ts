import fs from 'node:fs';
import path from 'node:path';
import { describeEnd, makeDirectoryDurably, showPath, type CommandResult } from '@homeserver/system';
import { VersionControlError } from './errors.ts';
import { fetchProgressReader, type OnFetchProgress } from './fetch-progress.ts';
import { remoteAccess, type RemoteAccess } from './git-policy.ts';
import { besideMirror, noteDamage, openMirror, removeLeftovers, type Mirror } from './mirror.ts';
import { objectsInPack, packsIn } from './pack-objects.ts';
import { branchRef, isObjectId } from './ref-name.ts';
import { checkRepositoryUrl, type RepositoryUrl } from './repository-url.ts';
import { fullDisk, lastWords, LONGEST_MS, runGit, type GitOptions } from './run-git.ts';

export interface RemoteOptions {
  /** See `checkRepositoryUrl`. */
  url: string;
  branch: string;
  /** For everything that is asked of the remote; default 900 000. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** The most that one fetch may bring; default 2 GiB. */
  maxFetchBytes?: number;
  /** The most objects that one fetch may bring; default 1 000 000. */
  maxFetchObjects?: number;
  /** Allows `http://` to any host. Only for those who require signatures. */
  plainHttp?: boolean;
  /** How far a fetch has come. */
  onProgress?: OnFetchProgress;
}

/** One branch of one remote, ready to be asked. */
export interface Remote {
  readonly url: RepositoryUrl;
  readonly access: RemoteAccess;
  readonly branch: string;
  readonly ref: string;
  readonly maxFetchBytes: number;
  readonly maxFetchObjects: number;
  readonly signal: AbortSignal | undefined;
  readonly deadline: number;
  readonly onProgress: OnFetchProgress | undefined;
}

const DEFAULT_MAX_FETCH_BYTES = 2 * 1024 ** 3;
const DEFAULT_MAX_FETCH_OBJECTS = 1_000_000;
const BRANCHES_SHOWN = 10;

/** Checks url and branch, lets `use` ask the remote, and clears away what that needed. Throws 'bad-url', 'bad-ref'. */
export async function withRemote<T>(
  mirror: Mirror,
  options: RemoteOptions,
  use: (remote: Remote) => Promise<T>,
): Promise<T> {
  const url = checkRepositoryUrl(options.url, options.plainHttp === undefined ? {} : { plainHttp: options.plainHttp });
  const ref = branchRef(options.branch);
  const scratch = besideMirror(mirror, 'remote-config');
  makeDirectoryDurably(path.dirname(scratch), { mode: 0o700 });
  try {
    return await use({ url, access: remoteAccess(url, scratch), branch: options.branch, ref, ...limits(options) });
  } finally {
    fs.rmSync(scratch, { force: true });
  }
}

function limits(options: RemoteOptions): Omit<Remote, 'url' | 'access' | 'branch' | 'ref'> {
  return {
    maxFetchBytes: options.maxFetchBytes ?? DEFAULT_MAX_FETCH_BYTES,
    maxFetchObjects: options.maxFetchObjects ?? DEFAULT_MAX_FETCH_OBJECTS,
    signal: options.signal,
    deadline: Date.now() + (options.timeoutMs ?? LONGEST_MS),
    onProgress: options.onProgress,
  };
}

/** The commit at the tip of the branch now. Throws 'unreachable', or 'not-found' with the branches that there are. */
export async function askTip(remote: Remote): Promise<string> {
  const tip = (await listRefs(remote, [remote.ref])).find(([, ref]) => ref === remote.ref); // A pattern matches the end of longer names too.
  if (tip !== undefined) return tip[0];
  const branches = (await listRefs(remote, [])).flatMap(([, ref]) =>
    ref.startsWith('refs/heads/') ? [ref.slice(11)] : [],
  );
  const shown = branches.slice(0, BRANCHES_SHOWN).map(showPath).join(', ');
  const others = branches.length > BRANCHES_SHOWN ? ` and ${branches.length - BRANCHES_SHOWN} more` : '';
  throw new VersionControlError(
    'not-found',
    `cannot find the branch "${remote.branch}" in ${remote.url.shown}: it has ${shown === '' ? 'no branch at all' : shown + others}`,
  );
}

/** Whether the remote answers at all. */
export async function answers(remote: Remote): Promise<boolean> {
  return listRefs(remote, [remote.ref]).then(
    () => true,
    () => false,
  );
}

/** The tags whose names match the glob pattern, with the ids of what they name themselves. Throws 'unreachable'. */
export async function listTags(remote: Remote, pattern: string): Promise<[id: string, tag: string][]> {
  const refs = await listRefs(remote, [`refs/tags/${pattern}`], '--tags');
  return refs.flatMap(([id, ref]) => (ref.endsWith('^{}') ? [] : [[id, ref.replace(/^refs\/tags\//, '')]]));
}

async function listRefs(
  remote: Remote,
  patterns: readonly string[],
  kind: '--heads' | '--tags' = '--heads',
): Promise<[id: string, ref: string][]> {
  const result = await runGit(
    ['ls-remote', kind, '--quiet', '--end-of-options', remote.url.url, ...patterns],
    limitsOf(remote),
  );
  if (result.exitCode !== 0) throw unreachable(remote, result);
  return result.stdout
    .toString('latin1')
    .split('\n')
    .map((line) => line.split('\t') as [string, string])
    .filter(([id, ref]) => isObjectId(id) && ref !== undefined);
}

/** A fetch brings the refs that it names, and does nothing else. */
export const nothingElse: readonly string[] = [
  '--no-tags',
  '--no-write-fetch-head',
  '--no-auto-maintenance',
  '--no-recurse-submodules',
  '--no-show-forced-updates',
];

/** Brings the branch, wherever it points now, and no tags: `fetchRefs`. */
export async function fetchBranch(remote: Remote, gitDirectory: string): Promise<void> {
  return fetchRefs(remote, gitDirectory, [remote.ref], '+');
}

/**
 * Brings these refs, and nothing else, into the repository at `gitDirectory`, checked and on the disk; `+` lets a ref move
 * to what is no descendant. Throws 'too-large', 'unreachable' when it took too long, 'no-space', and 'damaged' for whatever
 * else went wrong: here or there.
 */
export async function fetchRefs(
  remote: Remote,
  gitDirectory: string,
  refs: readonly string[],
  force: '+' | '' = '',
): Promise<void> {
  const before = new Set(packsIn(gitDirectory));
  const specs = refs.map((ref) => `${force}${ref}:${ref}`);
  const onErrors = remote.onProgress && fetchProgressReader(remote.onProgress);
  const result = await runGit(['fetch', '--progress', ...nothingElse, '--end-of-options', remote.url.url, ...specs], {
    ...limitsOf(remote),
    gitDirectory,
    settings: ['advice.fetchShowForcedUpdates=false'],
    maxFileBytes: remote.maxFetchBytes,
    ...(onErrors && { onOutput: (chunk, stream) => void (stream === 'stderr' && onErrors(chunk)) }),
  });
  if (result.exitCode === 0) return refuseTooMany(remote, gitDirectory, before);
  const largest = removeLeftovers(gitDirectory); // A file that met its limit is as large as that.
  if (result.timedOut || result.aborted) throw unreachable(remote, result);
  const full = fullDisk(result.stderr);
  if (full !== undefined) throw noSpace(remote, gitDirectory, full);
  if (largest >= remote.maxFetchBytes) {
    const limit = `${Math.round(remote.maxFetchBytes / 1024 ** 2)} MiB`;
    throw new VersionControlError('too-large', `refused what ${remote.url.shown} sent: it is more than ${limit}`);
  }
  const what = `cannot fetch "${remote.branch}" of ${remote.url.shown} into ${gitDirectory}`;
  throw new VersionControlError('damaged', `${what}: ${wordsOf(remote, result)}`);
}

/** What has too many objects is in the mirror by now: the mirror counts as damaged, and is made anew by the next sync. */
function refuseTooMany(remote: Remote, gitDirectory: string, before: ReadonlySet<string>): void {
  const fresh = packsIn(gitDirectory).filter((pack) => !before.has(pack));
  const count = fresh.reduce((sum, pack) => sum + objectsInPack(pack), 0);
  if (count <= remote.maxFetchObjects) return;
  const why = `refused what ${remote.url.shown} sent: ${count} objects, and ${remote.maxFetchObjects} is the most`;
  noteDamage(openMirror({ directory: gitDirectory }), why);
  throw new VersionControlError('too-large', why);
}

function noSpace(remote: Remote, gitDirectory: string, why: string): VersionControlError {
  const what = `cannot fetch "${remote.branch}" of ${remote.url.shown} into ${gitDirectory}`;
  return new VersionControlError('no-space', `${what}: ${why}`, { hint: `make room there: df -h ${gitDirectory}` });
}

function limitsOf({ access, deadline, signal }: Remote): GitOptions {
  return { access, timeoutMs: Math.max(1, deadline - Date.now()), ...(signal === undefined ? {} : { signal }) };
}

function unreachable(remote: Remote, result: CommandResult): VersionControlError {
  const why = result.timedOut || result.aborted ? describeEnd(result) : wordsOf(remote, result);
  return new VersionControlError('unreachable', `cannot reach the repository ${remote.url.shown}: ${why}`);
}

function wordsOf(remote: Remote, result: CommandResult): string {
  const { credentials } = remote.url;
  return lastWords(result.stderr, credentials === undefined ? [] : [credentials, ...credentials.split(':')]);
}
