import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '@homeserver/test-support';
import { databasesSource, type CapturedDatabases, type WantedDatabases } from '../../src/databases/databases-source.ts';
import { Displaced } from '../../src/displaced.ts';
import type { Progress } from '../../src/progress.ts';
import type { SourceReport } from '../../src/state-source.ts';

/** One capture of databases below the facade, and what can be done with it. */
export interface DatabasesBackup {
  readonly directory: string;
  readonly captured: CapturedDatabases;
  /** What was logged, as "level message". */
  readonly said: string[];
  /** How far its capture and its restores said that they had come. */
  readonly progress: Progress[];
  /** A file of the backup's `databases`. */
  at(name: string): string;
  restore(): Promise<SourceReport>;
}

export async function captureDatabases(
  wanted: WantedDatabases,
  directory: string = temporaryDirectory(),
): Promise<DatabasesBackup> {
  const said: string[] = [];
  const hear = (level: string) => (message: string) => void said.push(`${level} ${message}`);
  const logger = { debug: hear('debug'), info: hear('info'), warn: hear('warn'), error: hear('error') };
  const progress: Progress[] = [];
  const onProgress = (heard: Progress): void => void progress.push(heard);
  const captured = await databasesSource.capture(wanted, { directory, forbidden: [], logger, onProgress });
  return {
    directory,
    captured,
    said,
    progress,
    at: (name) => path.join(directory, 'databases', name),
    restore: async () => {
      const prepared = await databasesSource.prepare(captured, {
        directory,
        displaced: new Displaced(directory),
        logger,
        onProgress,
      });
      try {
        return await prepared.apply();
      } catch (error) {
        await prepared.abandon?.(); // As restoreState does.
        throw error;
      }
    },
  };
}

/** Appends to a dump of a backup. */
export function damageDump(directory: string, name: string): void {
  fs.appendFileSync(path.join(directory, 'databases', name), '!');
}
