import { joinPath, toRawPath, type RawPath } from '@homeserver/system';

/** Where the copy of a captured path lies in a backup. */
export function copyOf(directory: string, path: RawPath): RawPath {
  const files = toRawPath(`${directory}/files`);
  return path === '/' ? files : joinPath(files, path.slice(1));
}
