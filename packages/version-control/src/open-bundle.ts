import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeEnd, makeDirectoryDurably, showPath } from '@homeserver/system';
import { VersionControlError } from './errors.ts';
import { gitAccessToFiles } from './git-policy.ts';
import { besideMirror, layOutMirror, readMarker, type Mirror } from './mirror.ts';
import { branchRef, isObjectId } from './ref-name.ts';
import { nothingElse } from './remote.ts';
import { lastWords, runGit, type GitOptions } from './run-git.ts';

/**
 * Opens a `git bundle` (from a USB stick, say) as a repository beside the mirror, and gives its URL to `use`: what then is
 * synced from there goes through the same checks as from any other place. What the bundle leaves out because the mirror has
 * it is read from the mirror. Throws 'not-found' (no such file or branch, with the branches that it has), 'damaged'.
 */
export async function withBundle<T>(
  mirror: Mirror,
  file: string,
  branch: string,
  use: (url: string) => Promise<T>,
): Promise<T> {
  const ref = branchRef(branch);
  const shown = showPath(file);
  const format = await formatOfBundle(mirror, file, ref, shown);
  const directory = besideMirror(mirror, 'bundle');
  makeDirectoryDurably(path.dirname(directory), { mode: 0o700 });
  fs.rmSync(directory, { recursive: true, force: true });
  try {
    layOutMirror(directory, format, ref);
    borrowObjects(directory, mirror);
    const specs = [`${ref}:${ref}`, 'refs/tags/*:refs/tags/*'];
    const result = await runGit(['fetch', '--quiet', ...nothingElse, '--end-of-options', file, ...specs], {
      gitDirectory: directory,
      access: gitAccessToFiles,
      ...limitsOf(mirror),
    });
    if (result.exitCode !== 0) {
      throw new VersionControlError('damaged', `cannot use the bundle ${shown}: ${lastWords(result.stderr)}`, {
        hint: 'it may build on commits that this server does not have: make one of the whole branch',
      });
    }
    return await use(pathToFileURL(directory).href);
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

async function formatOfBundle(mirror: Mirror, file: string, ref: string, shown: string): Promise<'sha1' | 'sha256'> {
  if (!path.isAbsolute(file) || !fs.statSync(file, { throwIfNoEntry: false })?.isFile())
    throw new VersionControlError('not-found', `there is no bundle ${shown}`);
  const result = await runGit(['bundle', 'list-heads', '--end-of-options', file], limitsOf(mirror));
  if (result.exitCode !== 0) {
    const why = result.exitCode === undefined ? describeEnd(result) : lastWords(result.stderr);
    throw new VersionControlError('damaged', `cannot read the bundle ${shown}: ${why}`);
  }
  const heads = result.stdout
    .toString('latin1')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' '));
  const [id = ''] = heads.find(([, name]) => name === ref) ?? [];
  if (isObjectId(id)) return id.length === 64 ? 'sha256' : 'sha1';
  const names =
    heads
      .map(([, name = '']) => showPath(name))
      .slice(0, 10)
      .join(', ') || 'nothing';
  throw new VersionControlError('not-found', `the bundle ${shown} does not have ${ref}; it has ${names}`, {
    hint: `make it with: git bundle create FILE ${ref.slice('refs/heads/'.length)}`,
  });
}

function limitsOf({ timeoutMs, signal }: Mirror): GitOptions {
  return { timeoutMs, ...(signal && { signal }) };
}

/** gitrepository-layout(5): the mirror's objects count as there, and are not copied. */
function borrowObjects(directory: string, mirror: Mirror): void {
  if (readMarker(mirror) === undefined) return;
  fs.mkdirSync(path.join(directory, 'objects/info'), { mode: 0o700 });
  fs.writeFileSync(path.join(directory, 'objects/info/alternates'), `${path.join(mirror.directory, 'objects')}\n`);
}
