import fs from 'node:fs';
import path from 'node:path';
import { forFs, reasonOf, toRawPath, type RawPath } from '@homeserver/system';
import { Displaced } from './displaced.ts';
import { placeOfBackup } from './delta-place.ts';
import { partOfFiles } from './files/part-of-files.ts';
import type { Engine } from './engine.ts';
import { StateManagerError } from './errors.ts';
import { releaseRoom } from './files/reserved-room.ts';
import { readManifest } from './manifest.ts';
import { emptyReport } from './source-report.ts';
import { restoreState } from './sources.ts';
import type { RestoreContext, RestorePhase, SourceReport } from './state-source.ts';

/** How a restore goes about it. */
export type Restoring = Pick<Engine, 'logger' | 'onProgress' | 'targetRoot' | 'displacedDir'>;

/** What a restore did. */
export interface RestoreReport extends SourceReport {
  slot: string;
  backupId: string;
  /** When the restored state was captured, Unix seconds. */
  timestamp: number;
}

/**
 * Puts back what the backup in `directory` holds, after checking what it will use. Idempotent: running it again completes
 * one that was cut. `phase`: only that part of it. Throws 'damaged' with nothing touched.
 */
export async function restoreBackup(directory: string, how: Restoring, phase?: RestorePhase): Promise<RestoreReport> {
  const manifest = readManifest(directory);
  const report = await restoreState(manifest, { ...contextFor(directory, how), phase });
  releaseRoom(directory);
  for (const warning of report.warnings) how.logger.warn(warning);
  return { slot: manifest.slot, backupId: manifest.id, timestamp: manifest.timestamp, ...report };
}

/**
 * Puts back the captured path that `inside` lies in, and nothing else of the backup; as it was, too, when it was not captured.
 * Throws as `restoreBackup`.
 */
export async function restorePart(directory: string, inside: RawPath, how: Restoring): Promise<SourceReport> {
  const { files } = readManifest(directory);
  const part = files && partOfFiles(files, inside);
  if (part === undefined) return emptyReport();
  return restoreState({ files: part }, { ...contextFor(directory, how), onProgress: undefined });
}

function contextFor(directory: string, { logger, onProgress, targetRoot, displacedDir }: Restoring): RestoreContext {
  const place = displacedDir === undefined ? directory : path.join(displacedDir, path.basename(directory));
  const below = targetRoot === undefined ? undefined : realTargetRoot(targetRoot);
  return {
    directory: placeOfBackup(directory),
    notes: place,
    displaced: new Displaced(place),
    logger,
    onProgress,
    targetRoot: below,
  };
}

/** undefined for `/`: that is where everything is. */
function realTargetRoot(targetRoot: string): RawPath | undefined {
  try {
    const real = toRawPath(fs.realpathSync.native(targetRoot, { encoding: 'buffer' }));
    if (!fs.statSync(forFs(real)).isDirectory()) throw new Error('it is not a directory');
    return real === '/' ? undefined : real;
  } catch (error) {
    throw new StateManagerError('cannot-restore', `cannot restore below ${targetRoot}: ${reasonOf(error)}`, {
      cause: error,
      hint: 'nothing was touched; give the directory where the disk is mounted',
    });
  }
}
