import path from 'node:path';
import { statEntry, type EntryStat } from '@homeserver/system';
import { MANIFEST_NAME } from './manifest-file.ts';
import type { ManifestHead } from './manifest.ts';

const MOST_HEADS = 1000;
const CLOCK_GRANULARITY_MS = 100;

/**
 * The heads of manifests that this process has read and checked. To check one means to read all of it, and one operation
 * asks for the same heads several times. A file that was touched since is another one; one that was touched just now may be
 * again without its times telling, and is not remembered.
 */
const known = new Map<string, { file: string; head: ManifestHead }>();

/** `read`, unless the manifest in `directory` was read before, and has not been touched since. */
export function rememberedHead(directory: string, read: () => ManifestHead): ManifestHead {
  const stat = statEntry(path.join(directory, MANIFEST_NAME));
  if (stat === undefined || isFresh(stat)) return read();
  const file = identityOf(stat);
  const found = known.get(directory);
  if (found?.file === file) return found.head;
  const head = read();
  if (known.size >= MOST_HEADS) known.clear();
  known.set(directory, { file, head });
  return head;
}

function identityOf({ device, ino, size, mtimeNs, ctimeNs }: EntryStat): string {
  return [device, ino, size, mtimeNs, ctimeNs].join();
}

function isFresh({ ctimeSeconds, ctimeNanoseconds }: EntryStat): boolean {
  const ageMs = Date.now() - (ctimeSeconds * 1000 + ctimeNanoseconds / 1_000_000);
  return ageMs < CLOCK_GRANULARITY_MS;
}
