import fs from 'node:fs';
import path from 'node:path';
import { ioError, reasonOf, temporaryName } from '@homeserver/system';
import { z } from 'zod';
import { StateManagerError } from '../errors.ts';
import { hashFile } from '../files/copy-content.ts';

/** One file of `<backup>/databases`. */
export interface DumpFile {
  file: string;
  size: number;
  /** Hex. */
  sha256: string;
}

export const dumpFileSchema: z.ZodType<DumpFile> = z.strictObject({
  file: z.string().regex(/^db_\d+\.[a-z.]+$/),
  size: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/**
 * Makes a dump under a temporary name: `fill` gets its path and an open descriptor, and throws unless the dump is complete.
 * It is synced and gets its name only then. Throws what `fill` throws; the temp is gone then.
 */
export async function writeDump(
  directory: string,
  file: string,
  fill: (temporary: string, fd: number) => Promise<void>,
): Promise<DumpFile> {
  const temporary = path.join(directory, temporaryName());
  try {
    const fd = fs.openSync(temporary, 'wx+', 0o600);
    try {
      await fill(temporary, fd);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    const { size, sha256 } = hashFile(temporary);
    fs.renameSync(temporary, path.join(directory, file));
    return { file, size, sha256 };
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error instanceof StateManagerError ? error : ioError('write', path.join(directory, file), error);
  }
}

/** What is wrong with a dump, in one line; undefined when it is what was written. */
export function damageOfDump(dump: DumpFile, directory: string): string | undefined {
  const file = path.join(directory, dump.file);
  try {
    const { size } = fs.lstatSync(file); // One that claims to have terabytes would be read for hours.
    if (size !== dump.size) return `${file} has ${size} bytes, recorded are ${dump.size}`;
    return hashFile(file).sha256 === dump.sha256 ? undefined : `${file} does not match its SHA-256`;
  } catch (error) {
    return `${file} cannot be read: ${reasonOf(error)}`;
  }
}

/** Throws 'damaged' when one of the dumps is not what was written. */
export function refuseDamagedDumps(dumps: readonly DumpFile[], directory: string): void {
  for (const dump of dumps) {
    const damage = damageOfDump(dump, directory);
    if (damage === undefined) continue;
    throw new StateManagerError('damaged', `cannot restore: the backup is damaged: ${damage}`, {
      hint: 'nothing live was touched; another backup may still be good: updater backups verify',
    });
  }
}
