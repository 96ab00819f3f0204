import { VersionControlError } from './errors.ts';
import type { Mirror } from './mirror.ts';
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

/** Makes the ref name a commit that the mirror has. Throws 'damaged' when git cannot. */
export async function writeRef(mirror: Mirror, ref: string, commit: string): Promise<void> {
  try {
    await porcelain(mirror.directory).raw('update-ref', '--no-deref', '--end-of-options', ref, commit);
  } catch (error) {
    const why = lastWords(error instanceof Error ? error.message : String(error));
    throw new VersionControlError('damaged', `cannot write ${ref} in ${mirror.directory}: ${why}`, { cause: error });
  }
}
