import fs from 'node:fs';
import path from 'node:path';
import { exchangePaths, syncDirectory, syncFileSystemOf } from '@homeserver/system';
import { askMirror } from './ask-mirror.ts';
import { VersionControlError } from './errors.ts';
import { findDamage, findGap, inspectMirror, type MirrorState } from './inspect-mirror.ts';
import { makeWayForRef, readRef, writeRef } from './mirror-refs.ts';
import { besideMirror, layOutMirror, readMarker, tidyMirror, type Mirror, type ObjectFormat } from './mirror.ts';
import { packsIn } from './pack-objects.ts';
import { answers, askTip, fetchBranch, withRemote, type Remote, type RemoteOptions } from './remote.ts';
import { lastWords } from './run-git.ts';

export interface SyncResult {
  /** The commit at the tip of the branch; complete in the mirror. */
  commit: string;
  /** What the mirror had for this branch before; absent the first time, and after damage. */
  previous?: string;
  /** Whether anything had to be brought from the remote. */
  fetched: boolean;
}

/** More packs than this are made one after a fetch: each look-up asks them in turn. */
const PACKS_KEPT = 50;

/**
 * Makes the mirror equal to the remote's branch. Nothing is fetched when the mirror has the tip already; a mirror that turns
 * out damaged is cloned anew beside and swapped in. Call it under the updater's lock; running it again is harmless.
 *
 * Throws 'bad-url', 'bad-ref', 'unreachable', 'not-found' (no such branch), 'too-large', 'damaged' (the remote's content, or
 * something else is in the mirror's place, or git cannot write here).
 */
export async function syncMirror(mirror: Mirror, options: RemoteOptions): Promise<SyncResult> {
  return withRemote(mirror, options, async (remote) => {
    const format = prepare(mirror);
    const [tip, state] = await both(
      askTip(remote),
      format === undefined ? undefined : inspectMirror(mirror, remote.ref),
    );
    if (state === undefined) return firstSync(mirror, remote, tip);
    if (!state.sound) return replace(mirror, remote, tip, state.why);
    if (formatOf(tip) !== format)
      return replace(mirror, remote, tip, `it has ${format} ids, the repository ${formatOf(tip)}`);
    return update(mirror, remote, tip, state);
  });
}

/** Tidies what is there; the format of the ids, or undefined when there is no mirror yet. */
function prepare(mirror: Mirror): ObjectFormat | undefined {
  const format = readMarker(mirror);
  fs.rmSync(besideMirror(mirror, 'replacement'), { recursive: true, force: true });
  if (format !== undefined) tidyMirror(mirror, format);
  return format;
}

/** Waits for both before it throws, so that nothing of ours still runs afterwards. */
async function both<A, B>(first: Promise<A>, second: Promise<B> | undefined): Promise<[A, B | undefined]> {
  await Promise.allSettled([first, second]);
  return [await first, await second];
}

function formatOf(id: string): ObjectFormat {
  return id.length === 64 ? 'sha256' : 'sha1';
}

async function firstSync(mirror: Mirror, remote: Remote, tip: string): Promise<SyncResult> {
  layOutMirror(mirror.directory, formatOf(tip), remote.ref);
  await fetchBranch(remote, mirror.directory);
  return { commit: await completeTip(mirror, remote), fetched: true };
}

async function update(
  mirror: Mirror,
  remote: Remote,
  tip: string,
  { commit: previous }: MirrorState & { sound: true },
): Promise<SyncResult> {
  const before = previous === undefined ? {} : { previous };
  if (previous === tip) return { commit: tip, ...before, fetched: false };
  try {
    makeWayForRef(mirror, remote.ref);
    if ((await findGap(mirror, tip)) === undefined) {
      await writeRef(mirror, remote.ref, tip);
      return { commit: tip, ...before, fetched: false };
    }
    await fetchBranch(remote, mirror.directory);
    const commit = await completeTip(mirror, remote);
    await packAnew(mirror);
    return { commit, ...before, fetched: true };
  } catch (error) {
    const isDamage = error instanceof VersionControlError && error.code === 'damaged' && (await answers(remote));
    const damage = isDamage ? await findDamage(mirror) : undefined;
    // Nothing is wrong with it: then a disk without room, or the remote, would not be cured by cloning either.
    if (damage === undefined) throw error;
    return replace(mirror, remote, tip, damage);
  }
}

/** The branch's commit after a fetch, which may be newer than the one that was asked for. */
async function completeTip(mirror: Mirror, remote: Remote): Promise<string> {
  const commit = await readRef(mirror, remote.ref);
  const gap = commit === undefined ? `${remote.ref} cannot be read` : await findGap(mirror, commit);
  if (commit !== undefined && gap === undefined) return commit;
  throw new VersionControlError('damaged', `cannot use what was fetched from ${remote.url.shown}: ${gap}`);
}

/** Clones beside, and swaps only what is complete and on the disk; until then the damaged mirror stays as it is. */
async function replace(mirror: Mirror, remote: Remote, tip: string, why: string): Promise<SyncResult> {
  mirror.logger.warn(`the mirror ${mirror.directory} is damaged (${why}); cloning it anew from ${remote.url.shown}`);
  const successor: Mirror = { ...mirror, directory: besideMirror(mirror, 'replacement') };
  try {
    layOutMirror(successor.directory, formatOf(tip), remote.ref);
    await fetchBranch(remote, successor.directory);
    const commit = await completeTip(successor, remote);
    syncFileSystemOf(successor.directory);
    swap(mirror, successor.directory);
    mirror.logger.info(`the mirror ${mirror.directory} is whole again`);
    return { commit, fetched: true };
  } finally {
    fs.rmSync(successor.directory, { recursive: true, force: true });
  }
}

function swap(mirror: Mirror, successor: string): void {
  const parent = path.dirname(mirror.directory);
  if (!exchangePaths(mirror.directory, successor)) {
    // No exchange on this file system. Cut between the two steps, the mirror is missing, and the next sync clones it.
    fs.rmSync(mirror.directory, { recursive: true, force: true });
    fs.renameSync(successor, mirror.directory);
  }
  syncDirectory(parent);
}

/** Each fetch leaves a pack, and git's own housekeeping is off. Objects that no ref names stay: an accepted tip may be among them. */
async function packAnew(mirror: Mirror): Promise<void> {
  const { directory, logger } = mirror;
  const packs = packsIn(directory);
  if (packs.length <= PACKS_KEPT) return;
  const result = await askMirror(mirror, ['repack', '-q', '-a', '-d', '-k']);
  if (result.exitCode !== 0)
    logger.warn(`cannot make one pack of the ${packs.length} in ${directory}: ${lastWords(result.stderr)}`);
}
