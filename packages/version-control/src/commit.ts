import { askMirror } from './ask-mirror.ts';
import { VersionControlError } from './errors.ts';
import type { Mirror } from './mirror.ts';
import { checkObjectId } from './ref-name.ts';
import { lastWords } from './run-git.ts';

/** What the updater wants to know of a commit. */
export interface Commit {
  id: string;
  /** Unix seconds, as the committer's clock had it. */
  committedAt: number;
  /** It carries a signature; whether that is worth anything, `verifyCommit` says. */
  isSigned: boolean;
}

const MAX_HEADER_BYTES = 1024 * 1024;

/** Reads a commit of the mirror. Throws 'bad-ref', 'not-found'. */
export async function readCommit(mirror: Mirror, id: string): Promise<Commit> {
  const [header] = (await readObject(mirror, 'commit', id)).split('\n\n');
  const [, time] = /^committer .*> (-?\d+) [-+]\d{4}$/m.exec(header ?? '') ?? [];
  return { id, committedAt: Number(time ?? 0), isSigned: /^gpgsig(-sha256)? /m.test(header ?? '') };
}

/** The text of a commit or tag object. Throws 'not-found' when the mirror has no such object of that type. */
export async function readObject(mirror: Mirror, type: 'commit' | 'tag', id: string): Promise<string> {
  const result = await askMirror(mirror, ['cat-file', type, checkObjectId(id)], {
    maxOutputBytes: MAX_HEADER_BYTES,
  });
  if (result.exitCode === 0) return result.stdout.toString('latin1');
  throw new VersionControlError('not-found', `cannot read the ${type} ${id}: ${lastWords(result.stderr)}`);
}

/** Whether `ancestor` is `commit` or in its history. False also when the mirror does not know it (any more). */
export async function isAncestor(mirror: Mirror, ancestor: string, commit: string): Promise<boolean> {
  const ids = [checkObjectId(ancestor), checkObjectId(commit)];
  return (await askMirror(mirror, ['merge-base', '--is-ancestor', '--end-of-options', ...ids])).exitCode === 0;
}
