import fs from 'node:fs';
import { forFs, pathFromJson, reasonOf, showPath } from '@homeserver/system';
import { copyOf } from './capture-files.ts';
import { formOf, hashFile } from './copy-content.ts';
import type { CapturedFile, CapturedFiles } from './file-record.ts';

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
  const copy = copyOf(directory, pathFromJson(entry.path));
  try {
    const stat = fs.lstatSync(forFs(copy));
    if (!stat.isFile()) return `${showPath(copy)} is not a regular file`;
    if (stat.size !== entry.size) return `${showPath(copy)} has ${stat.size} bytes, recorded are ${entry.size}`;
    const { sha256 } = hashFile(forFs(copy), formOf(entry));
    return sha256 === entry.sha256 ? undefined : `${showPath(copy)} does not match its SHA-256`;
  } catch (error) {
    return `${showPath(copy)} cannot be read: ${reasonOf(error)}`;
  }
}
