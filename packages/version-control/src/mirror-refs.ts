import fs from 'node:fs';
import path from 'node:path';
import type { Mirror } from './mirror.ts';
import { VersionControlError } from './errors.ts';
import { isObjectId } from './ref-name.ts';
import { lastWords, porcelain } from './run-git.ts';

/** The commit that a ref of the mirror names, or undefined: there is none, or git cannot read it. */
export async function readRef(mirror: Mirror, ref: string): Promise<string | undefined> {
  try {
    const id = (
      await porcelain(mirror.directory).raw('show-ref', '--verify', '--hash', '--end-of-options', ref)
    ).trim();
    return isObjectId(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

/** Removes the refs of other branches where a name needs their place: `main` and `main/next` cannot both be. Their objects stay. */
export function makeWayForRef({ directory }: Mirror, ref: string): void {
  const [, , ...names] = ref.split('/'); // refs/heads/...
  let at = path.join(directory, 'refs/heads');
  for (const [place, name] of names.entries()) {
    at = path.join(at, name);
    const isDirectory = fs.statSync(at, { throwIfNoEntry: false })?.isDirectory();
    const mustBe = place < names.length - 1;
    if (isDirectory !== undefined && isDirectory !== mustBe) fs.rmSync(at, { recursive: true });
  }
}

/** Makes the ref name a commit that the mirror has. Throws 'damaged' when git cannot. */
export async function writeRef(mirror: Mirror, ref: string, commit: string): Promise<void> {
  try {
    await porcelain(mirror.directory).raw('update-ref', '--no-deref', '--end-of-options', ref, commit);
  } catch (error) {
    const why = lastWords(error instanceof Error ? error.message : String(error));
    throw new VersionControlError('damaged', `cannot write ${ref} in ${mirror.directory}: ${why}`, { cause: error });
  }
}
