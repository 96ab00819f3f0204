import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { lineOf } from '../../src/files/entry-line.ts';
import { EntrySpool } from '../../src/files/entry-spool.ts';
import type { CapturedEntry } from '../../src/files/file-record.ts';

const entry = (name: string): CapturedEntry => ({ type: 'absent', path: `/srv/${name}` });

describe('a spool', () => {
  it('gives back the entries in their order, as often as one asks, and takes more in between', () => {
    const spool = new EntrySpool();
    expect([...spool]).toEqual([]);
    const names = ['a', 'ümlaut', 'quote " and \n newline', 'b,'];
    for (const name of names) spool.add(lineOf(entry(name)));
    expect([...spool]).toEqual(names.map(entry));
    spool.add(lineOf(entry('last')));
    expect([...spool]).toEqual([...names, 'last'].map(entry));
    expect(JSON.parse(JSON.stringify(spool))).toEqual([...spool]);
  });

  it('puts what is too much for the memory into its file', () => {
    const scratch = path.join(temporaryDirectory(), 'scratch');
    const spool = new EntrySpool(scratch);
    const long = 'x'.repeat(100_000);
    for (let at = 0; at < 500; at += 1) spool.add(lineOf(entry(`${at} ${long}`)));
    expect(fs.statSync(scratch).size).toBeGreaterThan(30_000_000);
    let at = 0;
    for (const { path: is } of spool) {
      expect(is === `/srv/${at} ${long}`, `entry ${at}`).toBe(true);
      at += 1;
    }
    expect(at).toBe(500);
  });
});
