import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const chunk = Buffer.allocUnsafe(1024 * 1024);

/**
 * One SHA-256 over names, types, modes, times to the nanosecond, link targets and contents of all that is below `tree`.
 * Reading it all brings it into the page cache.
 */
export function digestOfTree(tree: string): string {
  const hash = createHash('sha256');
  const visit = (directory: string): void => {
    for (const name of fs.readdirSync(directory).sort()) {
      const file = path.join(directory, name);
      const stat = fs.lstatSync(file, { bigint: true });
      hash.update(`${path.relative(tree, file)}\0${stat.mode}\0${stat.uid}\0${stat.gid}\0${stat.mtimeNs}\0`);
      if (stat.isSymbolicLink()) hash.update(fs.readlinkSync(file));
      else if (stat.isFile()) hash.update(digestOfFile(file));
      else if (stat.isDirectory()) visit(file);
    }
  };
  visit(tree);
  return hash.digest('hex');
}

/** In pieces: Node reads no file of 2 GiB as a whole. */
function digestOfFile(file: string): Buffer {
  const hash = createHash('sha256');
  const fd = fs.openSync(file, 'r');
  try {
    for (;;) {
      const length = fs.readSync(fd, chunk);
      if (length === 0) return hash.digest();
      hash.update(chunk.subarray(0, length));
    }
  } finally {
    fs.closeSync(fd);
  }
}
