import fs from 'node:fs';
import path from 'node:path';
import { readFileBytes, temporaryName, writeFileDurably } from '@homeserver/system';
import type { ServerPaths } from '../server-paths.ts';

/** Keeps a package.json somewhere above from deciding how the modules' files are read. */
const CONTENT = '{ "private": true }\n';

/** The store has its package.json afterwards, durably. Returns what to say of one that was damaged: beside it, no module could be loaded. */
export function writeStoreMarker({ store }: ServerPaths): string | undefined {
  const marker = path.join(store, 'package.json');
  if (isIntact(marker)) return undefined;
  const found = fs.lstatSync(marker, { throwIfNoEntry: false });
  if (found?.isDirectory()) fs.renameSync(marker, path.join(store, temporaryName())); // By that name it is collected.
  writeFileDurably(marker, CONTENT, { mode: 0o644 });
  return found === undefined ? undefined : `${marker} was damaged, and is written again`;
}

function isIntact(marker: string): boolean {
  try {
    return readFileBytes(marker, { followLink: false, limitBytes: CONTENT.length }).toString() === CONTENT;
  } catch {
    return false;
  }
}
