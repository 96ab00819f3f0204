import fs from 'node:fs';
import { forFs } from '@homeserver/system';
import { diffContents } from '../diff-contents.ts';
import { locate, type PoolPlaces } from './examine-pools.ts';
import type { PoolOperation } from './pool-document.ts';
import type { DestinationReport } from './report.ts';

/** With what shipping it now would change at the destination; as it is where that cannot be told or is nothing. */
export function withDiff(
  report: DestinationReport,
  operation: PoolOperation | undefined,
  places: PoolPlaces,
): DestinationReport {
  if (operation === undefined || report.found === 'as-shipped') return report;
  try {
    const { source, destination } = locate(operation, places);
    const before = destination.exists ? fs.readFileSync(forFs(destination.path)) : undefined;
    const diff = diffContents(report.destination, before, fs.readFileSync(forFs(source)));
    return diff === undefined ? report : { ...report, diff };
  } catch {
    return report; // The plan has said why it cannot be applied.
  }
}
