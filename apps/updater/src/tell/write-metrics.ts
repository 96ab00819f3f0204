import fs from 'node:fs';
import path from 'node:path';
import { readStatus, type RunRecord, type Server } from '@homeserver/orchestrator';
import { makeDirectoryDurably, writeFileDurably } from '@homeserver/system';
import { metricsText, type BackupMetrics } from './metrics-text.ts';

/** Writes the metrics of a run in one step: the collector (which runs as another user) finds the old file or the new one. */
export function writeMetrics(file: string, server: Server, record: RunRecord): void {
  makeDirectoryDurably(path.dirname(file));
  const quarantined = readStatus(server).modules.flatMap(({ name, failed }) =>
    failed.some(({ nextTry }) => nextTry === undefined) ? [name] : [],
  );
  writeFileDurably(file, metricsText(record, { quarantined, backups: backupsOf(server) }), { mode: 0o644 });
}

function backupsOf({ state }: Server): BackupMetrics[] {
  return Object.values(state.listModuleBackups().backups).map(({ moduleName, timestamp, backupDir }) => ({
    module: moduleName,
    timestamp,
    bytes: bytesBelow(backupDir),
  }));
}

/** What it takes on the disk, hardlinks counted once. */
function bytesBelow(directory: string): number {
  const seen = new Set<number>();
  const names = fs.readdirSync(Buffer.from(directory), { recursive: true, encoding: 'buffer' });
  let blocks = 0;
  for (const name of names) {
    const stat = fs.lstatSync(Buffer.concat([Buffer.from(`${directory}/`), name]), { throwIfNoEntry: false });
    if (stat === undefined || seen.has(stat.ino)) continue;
    seen.add(stat.ino);
    blocks += stat.blocks;
  }
  return blocks * 512;
}
