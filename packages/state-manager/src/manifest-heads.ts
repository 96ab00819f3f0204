import fs, { type BigIntStats } from 'node:fs';
import path from 'node:path';
import { MANIFEST_NAME } from './manifest-file.ts';
import type { ManifestHead } from './manifest.ts';

const MOST_HEADS = 1000;
const CLOCK_GRANULARITY_NS = 100_000_000n;

/**
 * The heads of manifests that this process has read and checked. To check one means to read all of it, and one operation
 * asks for the same heads several times. A file that was touched since is another one; one that was touched just now may be
 * again without its times telling, and is not remembered. By fs: a backup can be looked at where no native code can be loaded.
 */
const known = new Map<string, { file: string; head: ManifestHead }>();

/** `read`, unless the manifest in `directory` was read before, and has not been touched since. */
export function rememberedHead(directory: string, read: () => ManifestHead): ManifestHead {
  const stat = statOf(path.join(directory, MANIFEST_NAME));
  if (stat === undefined || isFresh(stat)) return read();
  const file = identityOf(stat);
  const found = known.get(directory);
  if (found?.file === file) return found.head;
  const head = read();
  if (known.size >= MOST_HEADS) known.clear();
  known.set(directory, { file, head });
  return head;
}

/** Undefined where there is nothing to look at: whoever reads it finds out why. */
function statOf(file: string): BigIntStats | undefined {
  try {
    return fs.lstatSync(file, { bigint: true });
  } catch {
    return undefined;
  }
}

function identityOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join();
}

function isFresh({ ctimeNs }: BigIntStats): boolean {
  return BigInt(Date.now()) * 1_000_000n - ctimeNs < CLOCK_GRANULARITY_NS;
}
