import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  findRunRecord,
  newRunId,
  readRunRecords,
  writeRunRecord,
  type RunRecord,
} from '../../src/report/run-record.ts';
import { home, type Home } from '../support.ts';

const day = 86_400;
const now = Date.UTC(2026, 10, 20, 10, 30) / 1000;
const idAt = (seconds: number, random = 'abcdef'): string => newRunId(new Date(seconds * 1000), random);

function record(seconds: number, random?: string): RunRecord {
  return {
    format: 1,
    id: idAt(seconds, random),
    updater_version: '1.0.0',
    started: seconds,
    ended: seconds,
    commit: null,
    outcome: 'ok',
    recovered: [],
    updated: [],
    not_updated: [],
    modules: [],
  };
}

/** As an older updater has left it. */
function leave({ server: { paths } }: Home, old: RunRecord): void {
  fs.mkdirSync(paths.runs, { recursive: true });
  fs.writeFileSync(path.join(paths.runs, `${old.id}.json`), JSON.stringify(old));
}

const idsIn = ({ server }: Home, limit = 100): string[] => readRunRecords(server.paths, limit).map(({ id }) => id);

it('an id sorts by time, and has no dot', () => {
  expect(idAt(now)).toBe('20261120T103000Z-000abcdef');
  expect(newRunId(new Date(now * 1000 + 7), 'aaaaaa') > newRunId(new Date(now * 1000), 'ffffff')).toBe(true);
});

it('a record is read back as it was written, and is for our eyes only', () => {
  const here = home();
  const written = { ...record(now), error: 'no disk' };
  writeRunRecord(here.server.paths, written);
  expect(readRunRecords(here.server.paths, 1)).toEqual([written]);
  const [file = ''] = fs.readdirSync(here.server.paths.runs);
  expect(fs.statSync(path.join(here.server.paths.runs, file)).mode & 0o777).toBe(0o600);
});

it('records are kept for 90 days, or as many as are asked for', () => {
  const here = home();
  const recent = Array.from({ length: 20 }, (_, minutes) => now - 60 * minutes);
  for (const age of [91, 90, 89, 8]) writeRunRecord(here.server.paths, record(now - age * day));
  for (const seconds of recent.slice(1).toReversed()) writeRunRecord(here.server.paths, record(seconds));
  fs.writeFileSync(path.join(here.server.paths.runs, 'notes.txt'), 'by the owner');
  writeRunRecord(here.server.paths, record(now));
  expect(idsIn(here)).toEqual([...recent, ...[8, 89, 90].map((age) => now - age * day)].map((at) => idAt(at)));
  writeRunRecord(here.server.paths, record(now), 7);
  expect(idsIn(here)).toEqual(recent.map((at) => idAt(at)));
  expect(fs.existsSync(path.join(here.server.paths.runs, 'notes.txt'))).toBe(true);
});

it('the newest 20 are kept, however old: a clock that runs ahead for once costs nothing', () => {
  const here = home();
  for (let minutes = 0; minutes < 25; minutes += 1) writeRunRecord(here.server.paths, record(now + 60 * minutes));
  writeRunRecord(here.server.paths, record(now + 4000 * day));
  expect(idsIn(here)).toHaveLength(20);
});

it('they are listed as the runs took place, wherever the clock was in between, after those of older updaters', () => {
  const here = home();
  for (const age of [7, 6]) leave(here, record(now - age * day));
  leave(here, record(now + 20_000 * day, 'aaaaaa'));
  const times = [now - day, now + 20_000 * day, now, now - 3 * day, now + day];
  for (const seconds of times) writeRunRecord(here.server.paths, record(seconds));
  const old = [idAt(now + 20_000 * day, 'aaaaaa'), idAt(now - 6 * day), idAt(now - 7 * day)];
  expect(idsIn(here)).toEqual([...times.map((at) => idAt(at)).toReversed(), ...old]);
});

it('one that is written a second time takes the place of the first', () => {
  const here = home();
  for (const seconds of [now, now + 1, now]) writeRunRecord(here.server.paths, record(seconds));
  expect(idsIn(here)).toEqual([now + 1, now].map((at) => idAt(at)));
});

it('its file is found by an older updater, which looks for a name in hexadecimal that begins with the id', () => {
  const here = home();
  writeRunRecord(here.server.paths, record(now));
  const [file = ''] = fs.readdirSync(here.server.paths.runs);
  expect(file).toMatch(/^\d{8}T\d{6}Z-[0-9a-f]+\.json$/);
  expect(file.startsWith(idAt(now))).toBe(true);
});

it('they are listed newest first, as many as are asked for, without what is no record', () => {
  const here = home();
  for (const age of [3, 2, 1]) writeRunRecord(here.server.paths, record(now - age * day));
  fs.writeFileSync(path.join(here.server.paths.runs, `${idAt(now)}.json`), '{');
  expect(idsIn(here, 2)).toEqual([idAt(now - day), idAt(now - 2 * day)]);
});

it('a server that never ran has none', () => {
  expect([idsIn(home()), findRunRecord(home().server.paths, '2026')]).toEqual([[], undefined]);
});

describe('one record', () => {
  it('is found by its id, or by a beginning that only it has', () => {
    const here = home();
    for (const [seconds, random] of [
      [now, 'aaaaaa'],
      [now, 'abbbbb'],
      [now - day, 'aaaaaa'],
    ] as const)
      writeRunRecord(here.server.paths, record(seconds, random));
    const find = (id: string): string | undefined => findRunRecord(here.server.paths, id)?.id;
    expect(find('20261120T103000Z-000aaaaaa')).toBe('20261120T103000Z-000aaaaaa');
    expect(find('20261120T103000Z-000ab')).toBe('20261120T103000Z-000abbbbb');
    expect(find('20261119')).toBe('20261119T103000Z-000aaaaaa');
    for (const id of ['20261120', '2026', '', '20270101', '../../etc']) expect(find(id)).toBeUndefined();
  });
});
