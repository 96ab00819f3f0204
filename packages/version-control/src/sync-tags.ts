import { VersionControlError } from './errors.ts';
import { listModuleVersions } from './module-versions.ts';
import { checkMirror, type Mirror } from './mirror.ts';
import { parseModuleTag } from './module-tag.ts';
import { fetchRefs, listTags, withRemote, type RemoteOptions } from './remote.ts';
import { isRefName } from './ref-name.ts';

/** A tag that names something else now than when it was first seen. The mirror keeps what it had. */
export interface MovedTag {
  tag: string;
  /** Object ids. */
  here: string;
  there: string;
}

/**
 * Brings the release tags of a module that the mirror does not have yet. A tag that was moved at the remote is not taken
 * over: what was released once stays what it was. Needs a mirror (sync first) and the updater's lock. Throws as
 * `syncMirror` does.
 */
export async function syncModuleTags(mirror: Mirror, options: RemoteOptions, name: string): Promise<MovedTag[]> {
  checkMirror(mirror);
  return withRemote(mirror, options, async (remote) => {
    const known = new Map((await listModuleVersions(mirror, name)).map((version) => [version.tag, version.objectId]));
    const wanted: string[] = [];
    const moved: MovedTag[] = [];
    for (const [id, tag] of await listTags(remote, `${name}-v*`)) {
      if (parseModuleTag(tag, name) === undefined || !isRefName(tag)) continue;
      const here = known.get(tag);
      if (here === undefined) wanted.push(`refs/tags/${tag}`);
      else if (here !== id) moved.push({ tag, here, there: id });
    }
    if (wanted.length > 0) await fetchRefs(remote, mirror.directory, wanted);
    const brought = new Set((await listModuleVersions(mirror, name)).map((version) => `refs/tags/${version.tag}`));
    const missing = wanted.find((ref) => !brought.has(ref));
    if (missing === undefined) return moved;
    throw new VersionControlError('damaged', `${missing} of ${remote.url.shown} was fetched, but is not in the mirror`);
  });
}
