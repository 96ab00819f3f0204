import { forFs, readFileBytes, type RawPath } from '@homeserver/system';
import type { Copy } from '../copy-files.ts';
import { mergeContents } from '../merge-contents.ts';
import { printable } from '../printable-text.ts';
import type { PoolPlan } from './plan-pools.ts';
import type { DestinationReport } from './report.ts';
import type { ShippedContents } from './shipped-contents.ts';

/** The copies of a pool with the owner's edits merged into them, or why they cannot be. */
export type MergedCopies =
  | { copies: Copy[]; destinations: DestinationReport[] }
  | { conflict: string; destinations: DestinationReport[] };

/**
 * Brings the owner's edits and the new version together, file by file; a destination that was not edited is copied as it is
 * shipped. Changes nothing live. `scratch` is a directory of ours. Throws HotfixError 'io' for a file that cannot be merged.
 */
export async function mergeEdits(
  plan: PoolPlan,
  copies: readonly (Copy & { source: RawPath })[],
  shipped: ShippedContents,
  scratch: string,
): Promise<MergedCopies> {
  const merged: Copy[] = [];
  const destinations: DestinationReport[] = [];
  let conflict: string | undefined;
  for (const [at, copy] of copies.entries()) {
    const report = plan.destinations[at] as DestinationReport;
    const before = plan.shippedBefore[at];
    if (before === undefined) {
      merged.push(copy);
      destinations.push(report);
      continue;
    }
    const shippedBefore = shipped.read(before);
    if (shippedBefore === undefined) {
      conflict ??= `cannot merge ${report.destination}: what was shipped before was not kept`;
      destinations.push(report);
      continue;
    }
    const [owner, shippedNow] = [copy.destination.path, copy.source].map((file) => readFileBytes(nameOf(file)));
    const merge = await mergeContents(
      { owner: owner as Buffer, shippedBefore, shippedNow: shippedNow as Buffer },
      scratch,
    );
    if ('content' in merge) {
      merged.push({ ...copy, source: merge.content });
      destinations.push({ ...report, merged: true });
    } else {
      conflict ??= `the owner and the new version changed the same lines of ${report.destination}`;
      destinations.push({ ...report, diff: merge.marked });
    }
  }
  return conflict === undefined ? { copies: merged, destinations } : { conflict: printable(conflict), destinations };
}

function nameOf(file: RawPath): string {
  const name = forFs(file);
  return typeof name === 'string' ? name : name.toString();
}
