import fs from 'node:fs';
import { readFileText, writeFileDurably } from '@homeserver/system';
import { readJson } from './manifest.ts';

/**
 * Sets a field of one update in manifest.json, wherever it is nested, and leaves everything else as it stands, also what
 * nothing here knows. Durable before it returns; at every instant the file is whole. False when no update has that name.
 */
export function setInManifest(file: string, name: string, fields: Readonly<Record<string, unknown>>): boolean {
  const document = readJson(file) as { updates?: unknown };
  const update = findUpdate(document.updates, name);
  if (update === undefined) return false;
  Object.assign(update, fields);
  const indent = /^[[{]\r?\n([ \t]+)/.exec(readFileText(file))?.[1] ?? '    ';
  const { mode } = fs.statSync(file);
  writeFileDurably(file, `${JSON.stringify(document, undefined, indent)}\n`, { mode: mode & 0o777 });
  return true;
}

function findUpdate(updates: unknown, name: string): object | undefined {
  if (!Array.isArray(updates)) return undefined;
  for (const update of updates as unknown[]) {
    if (typeof update !== 'object' || update === null) continue;
    const { name: own, children } = update as { name?: unknown; children?: unknown };
    const found = own === name ? update : findUpdate(children, name);
    if (found !== undefined) return found;
  }
  return undefined;
}
