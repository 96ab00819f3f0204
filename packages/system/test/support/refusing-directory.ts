import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from './temporary-directory.ts';

/**
 * A directory in which no file can be written, and the errno that says why: a full file system where this user may mount
 * one, else a directory without the right to write.
 */
export function refusingDirectory(): { directory: string; errno: string } {
  const directory = temporaryDirectory();
  if (mountTinyFileSystem(directory)) {
    fillUp(path.join(directory, 'filler'));
    return { directory, errno: 'ENOSPC' };
  }
  if (process.getuid?.() !== 0) {
    fs.chmodSync(directory, 0o555);
    return { directory, errno: 'EACCES' };
  }
  fs.writeFileSync(path.join(directory, 'file'), '');
  return { directory: path.join(directory, 'file'), errno: 'ENOTDIR' };
}

function mountTinyFileSystem(directory: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory], { stdio: 'ignore' });
  } catch {
    return false; // Not root, or root of a container only.
  }
  onTestFinished(() => void execFileSync('umount', ['-l', directory]));
  return true;
}

function fillUp(file: string): void {
  const fd = fs.openSync(file, 'w');
  try {
    for (;;) fs.writeSync(fd, Buffer.alloc(4096));
  } catch {
    // Full.
  } finally {
    fs.closeSync(fd);
  }
}
