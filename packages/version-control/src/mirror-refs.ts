import fs from 'node:fs';
import path from 'node:path';
import { askRefs } from './ask-mirror.ts';
import type { Mirror } from './mirror.ts';
import { VersionControlError } from './errors.ts';
import { isObjectId } from './ref-name.ts';
import { fullDisk, lastWords } from './run-git.ts';

/** The commit that a ref of the mirror names, or undefined: there is none, or git cannot read it. Throws 'git-failed' when git was stopped. */
export async function readRef(mirror: Mirror, ref: string): Promise<string | undefined> {
  try {
    const id = (await askRefs(mirror, 'show-ref', '--verify', '--hash', '--end-of-options', ref)).trim();
    return isObjectId(id) ? id : undefined;
  } catch (error) {
    if (error instanceof VersionControlError) throw error;
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

/** Makes the ref name a commit that the mirror has. Throws 'no-space', or 'damaged' when git cannot for another reason. */
export async function writeRef(mirror: Mirror, ref: string, commit: string): Promise<void> {
  try {
    await askRefs(mirror, 'update-ref', '--no-deref', '--end-of-options', ref, commit);
  } catch (error) {
    if (error instanceof VersionControlError) throw error;
    const said = error instanceof Error ? error.message : String(error);
    const why = fullDisk(said) ?? lastWords(said);
    const code = fullDisk(said) === undefined ? 'damaged' : 'no-space';
    throw new VersionControlError(code, `cannot write ${ref} in ${mirror.directory}: ${why}`, { cause: error });
  }
}
