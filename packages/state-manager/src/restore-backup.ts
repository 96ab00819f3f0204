import type { Logger, RawPath } from '@homeserver/system';
import { Displaced } from './displaced.ts';
import { partOfFiles } from './files/part-of-files.ts';
import { readManifest } from './manifest.ts';
import type { OnProgress } from './progress.ts';
import { emptyReport, restoreState } from './sources.ts';
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
export async function restoreBackup(
  directory: string,
  logger: Logger,
  onProgress?: OnProgress,
): Promise<RestoreReport> {
  const manifest = readManifest(directory);
  const report = await restoreState(manifest, { directory, displaced: new Displaced(directory), logger, onProgress });
  for (const warning of report.warnings) logger.warn(warning);
  return { slot: manifest.slot, backupId: manifest.id, timestamp: manifest.timestamp, ...report };
}

/**
 * Puts back the captured path that `path` lies in, and nothing else of the backup; as it was, too, when it was not captured.
 * Throws as `restoreBackup`.
 */
export async function restorePart(directory: string, path: RawPath, logger: Logger): Promise<SourceReport> {
  const { files } = readManifest(directory);
  const part = files && partOfFiles(files, path);
  if (part === undefined) return emptyReport();
  return restoreState(
    { files: part },
    { directory, displaced: new Displaced(directory), logger, onProgress: undefined },
  );
}
