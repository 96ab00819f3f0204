import type { CapturedFile, CapturedFiles } from './file-record.ts';
import { DamagedCopy, readCopy } from './read-copy.ts';

/** Re-reads the copy of each recorded file; one line for each that is not what was captured. */
export function verifyFiles(captured: CapturedFiles, directory: string): string[] {
  const damages: string[] = [];
  for (const entry of captured.entries) {
    const damage = entry.type === 'file' ? damageOf(entry, directory) : undefined;
    if (damage !== undefined) damages.push(damage);
  }
  return damages;
}

/** What is wrong with the copy of one file, or undefined. */
export function damageOf(entry: CapturedFile, directory: string): string | undefined {
  try {
    readCopy(directory, entry);
    return undefined;
  } catch (error) {
    if (error instanceof DamagedCopy) return error.message;
    throw error;
  }
}
