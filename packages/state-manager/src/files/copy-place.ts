import { forFs, joinPath, statEntry, toRawPath, type RawPath } from '@homeserver/system';
import { directoryOfPlace } from '../delta-place.ts';

/** Where the copy of a captured path lies, or is to lie, in `directory`. */
export function copyOf(directory: string, path: RawPath): RawPath {
  const files = toRawPath(`${directory}/files`);
  return path === '/' ? files : joinPath(files, path.slice(1));
}

/** Where to read the copy of a captured path; `place` is that of the backup. */
export function copyToRead(place: string, path: RawPath): RawPath {
  const own = copyOf(place, path);
  const directory = directoryOfPlace(place);
  return directory === place || statEntry(forFs(own)) !== undefined ? own : copyOf(directory, path);
}
