import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { writeJsonDurably } from '@homeserver/system';
import type { DownloadedList } from './download.ts';

/*
 * What each source last gave, in the module's state directory: list-<16 hex of the source's sha256>.json. Text and ETag lie
 * in one file, so that they are always of the same answer.
 */
const FORMAT = 1;

function copyFile(stateDir: string, source: string): string {
  return path.join(stateDir, `list-${createHash('sha256').update(source).digest('hex').slice(0, 16)}.json`);
}

/** undefined when there is none, or it is damaged: the list is then fetched as if for the first time. */
export function readCopy(stateDir: string, source: string): DownloadedList | undefined {
  try {
    const json = JSON.parse(fs.readFileSync(copyFile(stateDir, source), 'utf8')) as Record<string, unknown>;
    const { format, text, etag, last_modified: lastModified } = json;
    if (format !== FORMAT || typeof text !== 'string' || !isStringOrNull(etag) || !isStringOrNull(lastModified))
      return undefined;
    return { text, etag, lastModified };
  } catch {
    return undefined;
  }
}

/** Keeps the list for later runs; writes nothing when it is kept already. */
export function writeCopy(stateDir: string, source: string, list: DownloadedList): void {
  if (isDeepStrictEqual(list, readCopy(stateDir, source))) return;
  const { text, etag, lastModified } = list;
  writeJsonDurably(copyFile(stateDir, source), { format: FORMAT, source, etag, last_modified: lastModified, text });
}

function isStringOrNull(value: unknown): value is string | null {
  return typeof value === 'string' || value === null;
}
