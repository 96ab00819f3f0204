import type { Logger } from '@homeserver/system';
import { Displaced } from './displaced.ts';
import { filesSource } from './files/files-source.ts';
import { readManifest } from './manifest.ts';
import type { SourceReport } from './state-source.ts';

/** What a restore did. */
export interface RestoreReport extends SourceReport {
  slot: string;
  backupId: string;
  /** When the restored state was captured, Unix seconds. */
  timestamp: number;
}

/**
 * Puts back what the backup in `directory` holds, after checking what it will use. Idempotent: running it again completes
 * one that was cut. Throws 'damaged' with nothing touched.
 */
export async function restoreBackup(directory: string, logger: Logger): Promise<RestoreReport> {
  const manifest = readManifest(directory);
  const nothing: SourceReport = { restored: [], adjusted: [], unchanged: 0, displaced: [], warnings: [] };
  const context = { directory, displaced: new Displaced(directory), logger };
  const report = manifest.files ? await filesSource.restore(manifest.files, context) : nothing;
  for (const warning of report.warnings) logger.warn(warning);
  return { slot: manifest.slot, backupId: manifest.id, timestamp: manifest.timestamp, ...report };
}
