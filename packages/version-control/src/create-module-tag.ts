import { showPath } from '@homeserver/system';
import { simpleGit } from 'simple-git';
import { parseVersion } from './compare-versions.ts';
import { VersionControlError } from './errors.ts';
import { formatModuleTag } from './module-tag.ts';
import { LONGEST_MS } from './run-git.ts';

export interface NewModuleTag {
  /** The maintainer's checkout. */
  repository: string;
  module: string;
  /** What is released; default HEAD. */
  commit?: string;
  /** Default: now. */
  when?: Date;
}

/**
 * Tags the release of a module in a maintainer's repository, with their own git settings: `<module>-v<version>-<time>`, the
 * version being the one that the module's index.json has in that commit. The tag is annotated, and signed if the settings
 * name a key (`user.signingkey`). Returns its name. Throws 'not-found', 'bad-version', 'git-failed' (the tag exists, say).
 */
export async function createModuleTag({ repository, module, commit = 'HEAD', when }: NewModuleTag): Promise<string> {
  const git = simpleGit(repository, { timeout: { block: LONGEST_MS } });
  const place = `modules/${module}/index.json`;
  const version = versionIn(await textOf(git, commit, place), `${commit}:${place}`);
  const tag = formatModuleTag(module, version, when ?? new Date());
  const key = (await git.getConfig('user.signingkey')).value;
  try {
    await git.raw('tag', key ? '-s' : '-a', '-m', `${module} ${version}`, '--end-of-options', tag, commit);
  } catch (error) {
    const why = error instanceof Error ? error.message.trim() : String(error);
    throw new VersionControlError('git-failed', `cannot make the tag ${tag}: ${showPath(why)}`, { cause: error });
  }
  return tag;
}

async function textOf(git: ReturnType<typeof simpleGit>, commit: string, place: string): Promise<string> {
  try {
    return await git.raw('cat-file', 'blob', '--end-of-options', `${commit}:${place}`);
  } catch (error) {
    throw new VersionControlError('not-found', `there is no ${place} in ${commit}`, { cause: error });
  }
}

function versionIn(text: string, place: string): string {
  let version: unknown;
  try {
    version = (JSON.parse(text) as { metadata?: { schema_version?: unknown } }).metadata?.schema_version;
  } catch {
    version = undefined;
  }
  if (typeof version === 'string' && parseVersion(version) !== undefined) return version;
  throw new VersionControlError('bad-version', `${place}: metadata.schema_version is no strict semantic version`);
}
