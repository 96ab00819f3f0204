import { askRefs } from './ask-mirror.ts';
import { VersionControlError } from './errors.ts';
import { compareVersions } from './compare-versions.ts';
import { checkMirror, type Mirror } from './mirror.ts';
import { compareTimestamps, parseModuleTag, type ModuleTag } from './module-tag.ts';
import { readTreeEntries } from './read-objects.ts';
import { isObjectId } from './ref-name.ts';
import { readTagObject, verifyTag, type Signers } from './verify-signature.ts';

/** A released version of a module. */
export interface ModuleVersion extends ModuleTag {
  /** The tag object, or the commit itself where the tag has none (a lightweight tag, which nobody can have signed). */
  objectId: string;
  isAnnotated: boolean;
}

/** A version whose tag holds what it should. */
export interface ResolvedVersion extends ModuleVersion {
  commit: string;
  /** Of `modules/<name>` there. */
  treeId: string;
}

/**
 * The versions of a module that the mirror has tags of, newest first; two tags of one version are both listed. Throws
 * 'not-found' where no mirror is.
 */
export async function listModuleVersions(mirror: Mirror, name: string): Promise<ModuleVersion[]> {
  checkMirror(mirror);
  const format = '--format=%(objectname) %(objecttype) %(refname:strip=2)';
  const text = await askRefs(mirror, 'for-each-ref', format, '--end-of-options', `refs/tags/${name}-v*`);
  const versions = text.split('\n').flatMap((line): ModuleVersion[] => {
    const [objectId = '', type, tag = ''] = line.split(' ');
    const parsed = parseModuleTag(tag, name);
    return parsed === undefined || !isObjectId(objectId) ? [] : [{ ...parsed, objectId, isAnnotated: type === 'tag' }];
  });
  return versions.sort((a, b) => compareVersions(b.version, a.version) || compareTimestamps(b.timestamp, a.timestamp));
}

/** The newest tag of exactly this version. Throws 'not-found', with the versions that there are. */
export function chooseVersion(versions: readonly ModuleVersion[], name: string, version: string): ModuleVersion {
  const chosen = versions.find((one) => one.version === version);
  if (chosen !== undefined) return chosen;
  const known = [...new Set(versions.map((one) => one.version))].slice(0, 10).join(', ') || 'none';
  throw new VersionControlError('not-found', `there is no version ${version} of ${name}`, {
    hint: `there are: ${known}`,
  });
}

/**
 * What the tag of a version holds. With `signers`, the tag must be signed by one of them, and be the tag it is called: a
 * renamed ref still has a good signature. Throws 'untrusted'; 'not-found' when its commit has no such module.
 */
export async function resolveVersion(
  mirror: Mirror,
  name: string,
  version: ModuleVersion,
  signers?: Signers,
): Promise<ResolvedVersion> {
  const commit = await commitOf(mirror, version, signers);
  const entries = await readTreeEntries(mirror, `${commit}:modules`);
  const tree = entries.find((entry) => entry.path === name && entry.type === 'tree');
  if (tree !== undefined) return { ...version, commit, treeId: tree.id };
  throw new VersionControlError('not-found', `the tag ${version.tag} holds no modules/${name}`);
}

async function commitOf(
  mirror: Mirror,
  { tag, objectId, isAnnotated }: ModuleVersion,
  signers?: Signers,
): Promise<string> {
  if (!isAnnotated) {
    if (signers === undefined) return objectId;
    throw new VersionControlError(
      'untrusted',
      `refused the tag ${tag}: it is a lightweight tag, which cannot be signed`,
      {
        hint: 'ask the maintainer for a signed tag',
      },
    );
  }
  if (signers !== undefined) await verifyTag(mirror, objectId, signers);
  const own = await readTagObject(mirror, objectId);
  if (own.name === tag) return own.commit;
  throw new VersionControlError('untrusted', `refused the tag ${tag}: it was made as ${own.name}, and renamed`);
}
