import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { forFs, ioError, joinPath, showPath, toRawPath, type RawPath } from '@homeserver/system';
import { OrchestratorError } from '../errors.ts';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const CHUNK_BYTES = 256 * 1024;

/**
 * The checksum of a module directory in manifest.json: `sha256:<hex>`, the SHA-256 of one line for each file and symlink
 * below it, however deep, in the byte order of their paths: `<kind> <hex> <path>` and a zero byte. The path goes from the
 * directory, without "./"; kind is `x` for a file that its owner may execute, `f` for another, `l` for a symlink; hex is the
 * SHA-256 of the content, or of the link's target. Directories count by what is in them; owners, other modes and times do not.
 * Throws 'usage' for what is no directory or holds something else (a socket, FIFO or device), SystemError 'io'.
 */
export function checksumOfDirectory(directory: string): string {
  const root = toRawPath(directory);
  if (!fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory())
    throw new OrchestratorError('usage', `${showPath(root)} is not a directory`);
  const lines = entriesBelow(root, '' as RawPath).sort(([one], [other]) => (one < other ? -1 : 1));
  const sum = createHash('sha256');
  for (const [path, kind, hex] of lines) sum.update(Buffer.from(`${kind} ${hex} ${path}\0`, 'latin1'));
  return `sha256:${sum.digest('hex')}`;
}

type Entry = [path: RawPath, kind: 'f' | 'x' | 'l', hex: string];

function entriesBelow(root: RawPath, below: RawPath): Entry[] {
  const directory = below === '' ? root : joinPath(root, below);
  try {
    return fs.readdirSync(forFs(directory), { encoding: 'buffer' }).flatMap((bytes): Entry[] => {
      const name = toRawPath(bytes);
      const relative = below === '' ? name : joinPath(below, name);
      const place = joinPath(directory, name);
      const stat = fs.lstatSync(forFs(place));
      if (stat.isDirectory()) return entriesBelow(root, relative);
      if (stat.isSymbolicLink()) return [[relative, 'l', hexOf(fs.readlinkSync(forFs(place), { encoding: 'buffer' }))]];
      if (stat.isFile()) return [[relative, (stat.mode & 0o100) === 0 ? 'f' : 'x', hexOfFile(place)]];
      throw new OrchestratorError('usage', `${showPath(place)} is no file, directory or link: it has no checksum`);
    });
  } catch (error) {
    if (error instanceof OrchestratorError) throw error;
    throw ioError('read', showPath(directory), error);
  }
}

function hexOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function hexOfFile(file: RawPath): string {
  const fd = fs.openSync(forFs(file), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const hash = createHash('sha256');
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let read = fs.readSync(fd, chunk); read > 0; read = fs.readSync(fd, chunk))
      hash.update(chunk.subarray(0, read));
    return hash.digest('hex');
  } finally {
    fs.closeSync(fd);
  }
}
