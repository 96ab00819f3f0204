import { showPath } from '@homeserver/system';
import { VersionControlError } from './errors.ts';

const name = /^[A-Za-z0-9][A-Za-z0-9._/-]*$/;
const forbidden = /\.\.|\/\/|\/\.|\.lock(\/|$)|[/.]$/;
const objectId = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * The branch's full ref, `refs/heads/<branch>`. Stricter than `git check-ref-format`, which accepts `;` and `$(`. Throws 'bad-ref'.
 */
export function branchRef(branch: string): string {
  if (isRefName(branch)) return `refs/heads/${branch}`;
  throw new VersionControlError('bad-ref', `refused the branch name "${showPath(branch)}"`, {
    hint: 'a name has letters, digits and . _ / - and begins with a letter or a digit',
  });
}

/** Whether a branch or a tag may be called so. */
export function isRefName(text: string): boolean {
  return name.test(text) && !forbidden.test(text) && text.length <= 200;
}

/** Whether the text is a full object id: 40 (SHA-1) or 64 (SHA-256) lowercase hexadecimal digits. */
export function isObjectId(text: string): boolean {
  return objectId.test(text);
}

/** Returns the id, or throws 'bad-ref'. */
export function checkObjectId(id: string): string {
  if (isObjectId(id)) return id;
  throw new VersionControlError('bad-ref', `refused "${showPath(id)}": it is not an object id`);
}

/**
 * Returns `<commit or branch>` or `<commit or branch>:<path>`, if it is one and nothing more (no `@{...}`, no `^`, no `-x`).
 * Throws 'bad-ref'.
 */
export function checkTreeish(treeish: string): string {
  const colon = treeish.indexOf(':');
  const revision = colon < 0 ? treeish : treeish.slice(0, colon);
  const path = colon < 0 ? '' : treeish.slice(colon + 1);
  if (name.test(revision) && !forbidden.test(revision) && !/[\0\n]|(^|\/)\.{1,2}(\/|$)|^\//.test(path)) return treeish;
  throw new VersionControlError('bad-ref', `refused "${showPath(treeish)}": it is not <commit> or <commit>:<path>`);
}
