import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pathFromJson, writeAll } from '@homeserver/system';
import { entryOfLine, lineOf, plainFileOfLine } from '../files/entry-line.ts';
import { EntrySpool } from '../files/entry-spool.ts';
import type { CapturedEntry } from '../files/file-record.ts';
import type { Manifest } from '../manifest.ts';
import type { Captured } from '../sources.ts';
import { dumpsOf } from './database-notes.ts';
import { isOdd, RestoreList } from './restore-list.ts';
import { RestoreNotes } from './restore-notes.ts';
import { RESTORE_SCRIPT } from './restore-sh.ts';

/** What it writes. */
export const RESTORE_SCRIPT_NAMES = ['restore.sh', 'restore.list', 'restore.sums'] as const;

const CHUNK_CHARACTERS = 1 << 20;

/**
 * Writes restore.sh with its two data files into the backup in `directory`: it puts the files back on a machine that has
 * nothing of ours. They depend on what was captured alone. One pass over the record; returns the SHA-256 (hex) of
 * restore.sums, which holds that of all others.
 */
export function writeRestoreScript(directory: string, captured: Captured): string {
  const { entries, roots, parents } = captured.files ?? { entries: [], roots: [], parents: [] };
  const list = new RestoreList({ roots, parents });
  const notes = new RestoreNotes();
  const sums = new SumsFile(path.join(directory, 'restore.sums'));
  try {
    for (const line of linesOf(entries)) {
      const plain = plainFileOfLine(line);
      if (plain !== undefined && !list.isRoot(plain.path)) {
        sums.add(plain.sha256, `files${plain.path}`);
        continue;
      }
      const entry = entryOfLine(line);
      const raw = pathFromJson(entry.path);
      list.add(raw, entry);
      notes.add(raw, entry);
      if (entry.type === 'file' && !entry.sparse && !isOdd(raw)) sums.add(entry.sha256, `files${raw}`);
    }
    for (const { file, sha256 } of dumpsOf(captured.databases ?? [])) sums.add(sha256, `databases/${file}`);
    if (captured.services !== undefined) sums.add(captured.services.sha256, 'services.json');
    const ours = {
      'restore.list': list.format(sums.lines + 2, notes.all(captured, directory)),
      'restore.sh': RESTORE_SCRIPT,
    };
    for (const [name, text] of Object.entries(ours)) {
      fs.writeFileSync(path.join(directory, name), text, { mode: name === 'restore.sh' ? 0o700 : 0o600, flag: 'wx' });
      sums.add(createHash('sha256').update(text).digest('hex'), name);
    }
    return sums.finish();
  } finally {
    sums.close();
  }
}

function linesOf(entries: Iterable<CapturedEntry>): Iterable<string> {
  return entries instanceof EntrySpool ? entries.lines() : Array.from(entries, lineOf);
}

/** What restore.about says to the person; nothing depends on it. */
export function textAbout({
  slot,
  description,
  timestamp,
}: Pick<Manifest, 'slot' | 'description' | 'timestamp'>): string {
  const made = new Date(timestamp * 1000).toISOString().replace('T', ' ').replace('.000Z', ' UTC');
  return `Backup of ${slot}, made on ${made}${description === '' ? '' : ` (${description})`}:\n`;
}

/** restore.sums: lines for `sha256sum -c`. Names are bytes, held as latin1. */
class SumsFile {
  lines = 0;
  readonly #fd: number;
  readonly #hash = createHash('sha256');
  #pending = '';

  constructor(file: string) {
    this.#fd = fs.openSync(file, 'wx', 0o600);
  }

  add(sha256: string, name: string): void {
    this.#pending += `${sha256}  ${name}\n`;
    this.lines += 1;
    if (this.#pending.length >= CHUNK_CHARACTERS) this.#flush();
  }

  #flush(): void {
    const bytes = Buffer.from(this.#pending, 'latin1');
    this.#hash.update(bytes);
    writeAll(this.#fd, bytes);
    this.#pending = '';
  }

  finish(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}
