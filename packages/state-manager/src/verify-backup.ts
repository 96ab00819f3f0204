import { StateManagerError } from './errors.ts';
import { readManifest } from './manifest.ts';
import { verifyRestoreScript } from './restore-script/verify-restore-script.ts';
import { verifyState } from './sources.ts';

/** Re-reads all of a backup; one line for each damage, none when it is good. Throws 'no-backup'. */
export async function verifyBackup(directory: string): Promise<string[]> {
  try {
    const manifest = readManifest(directory);
    return [...(await verifyState(manifest, directory)), ...verifyRestoreScript(directory, manifest.restore_sums)];
  } catch (error) {
    if (error instanceof StateManagerError && error.code === 'damaged') return [error.message];
    throw error;
  }
}
