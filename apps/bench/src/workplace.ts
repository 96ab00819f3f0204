import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { freeSpace } from '@homeserver/system';

/** For what else the machine writes meanwhile. */
const LEFT_BYTES = 4 * 1024 ** 3;
/** Trees of small files need more inodes than mkfs would make. */
const BYTES_PER_INODE = 8192;

/** Where one benchmark makes everything. */
export interface Workplace {
  directory: string;
  /** Takes all of it away. */
  remove(): void;
}

/** A new folder below this directory, on the file system that this is on. */
export function makeFolder(below: string): Workplace {
  const directory = fs.mkdtempSync(path.join(below, 'bench-'));
  return { directory, remove: () => fs.rmSync(directory, { recursive: true, force: true }) };
}

/**
 * A new ext4 that nothing else uses, in a sparse file below this directory. ext4 passes over inodes that were freed in the last
 * minutes, one by one: on a file system on which something was removed shortly before, to make a file takes up to twenty times
 * as long, here and not there. Needs root, and a free loop device; throws where it cannot be made.
 */
export function makeFileSystem(below: string): Workplace {
  const folder = makeFolder(below);
  const [image, directory] = [path.join(folder.directory, 'ext4.img'), path.join(folder.directory, 'ext4')];
  const undo = [folder.remove];
  const remove = (): void => {
    for (const step of undo.splice(0).toReversed()) step();
  };
  try {
    fs.mkdirSync(directory);
    fs.writeFileSync(image, '');
    fs.truncateSync(image, Math.max(0, freeSpace(below) - LEFT_BYTES));
    run('mkfs.ext4', '-q', '-F', '-i', String(BYTES_PER_INODE), image);
    const device = attach(image);
    try {
      run('mount', '-o', 'noinit_itable', device, directory);
    } finally {
      run('losetup', '--detach', device); // As long as it is mounted, it stays: then no umount leaves it behind.
    }
    undo.push(() => void run('umount', '--lazy', directory)); // A program that was stopped may not have ended yet.
    return { directory, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** So that what is written is not cached twice, where the file system below can do that. */
function attach(image: string): string {
  const attachAs = (...options: string[]): string => run('losetup', '--find', '--show', ...options, image);
  try {
    return attachAs('--direct-io=on');
  } catch {
    return attachAs();
  }
}

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}
