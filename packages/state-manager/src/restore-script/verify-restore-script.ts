import fs from 'node:fs';
import { readFileBytes, reasonOf } from '@homeserver/system';
import { partOf, placeOfBackup } from '../delta-place.ts';
import { hashFile } from '../files/copy-content.ts';

const NOT_NEEDED = '; only restore.sh needs it';
const MOST_FILE_BYTES = 1024 ** 3;
const MOST_BYTES = 200; // Of its last two lines, which are of the other two files.

/**
 * One line for each file of restore.sh that is not as it was written; `sumsSha256` is the manifest's word for restore.sums.
 * Only a restore by that script uses them.
 */
export function verifyRestoreScript(directory: string, sumsSha256: string): string[] {
  const damage = damageOf(directory, 'restore.sums', sumsSha256);
  if (damage !== undefined) return [damage];
  const sums = readFileBytes(placeOf(directory, 'restore.sums'), { limitBytes: MOST_FILE_BYTES, followLink: false });
  const ours = sums.subarray(-MOST_BYTES).toString('latin1').trimEnd().split('\n').slice(-2);
  return ours.flatMap((line) => damageOf(directory, line.slice(66), line.slice(0, 64)) ?? []);
}

function placeOf(directory: string, name: string): string {
  return partOf(placeOfBackup(directory), name);
}

function damageOf(directory: string, name: string, sha256: string): string | undefined {
  const file = placeOf(directory, name);
  try {
    const { size } = fs.lstatSync(file);
    if (size > MOST_FILE_BYTES) return `${file} has ${size} bytes${NOT_NEEDED}`;
    return hashFile(file).sha256 === sha256 ? undefined : `${file} does not match its SHA-256${NOT_NEEDED}`;
  } catch (error) {
    return `${file} cannot be read: ${reasonOf(error)}${NOT_NEEDED}`;
  }
}
