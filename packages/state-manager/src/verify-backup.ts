import { placeOfBackup } from './delta-place.ts';
import { StateManagerError } from './errors.ts';
import { readManifest, readManifestHead } from './manifest.ts';
import type { OnProgress } from './progress.ts';
import { verifyRestoreScript } from './restore-script/verify-restore-script.ts';
import { verifyState } from './sources.ts';

/** Re-reads all of a backup, and tells how far that has come; one line for each damage, none when it is good. Throws 'no-backup'. */
export async function verifyBackup(directory: string, onProgress?: OnProgress): Promise<string[]> {
  const damages = await verifyCaptured(directory, onProgress);
  if (damages.length > 0) return damages;
  return verifyRestoreScript(directory, readManifestHead(directory).restore_sums);
}

/** As `verifyBackup`, but without restore.sh, which no other restore needs. */
export async function verifyCaptured(directory: string, onProgress?: OnProgress): Promise<string[]> {
  try {
    return await verifyState(readManifest(directory), placeOfBackup(directory), onProgress);
  } catch (error) {
    if (error instanceof StateManagerError && error.code === 'damaged') return [error.message];
    throw error;
  }
}
