import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '@homeserver/test-support';
import { expect, it, onTestFinished } from 'vitest';
import { removeUnusedPrograms } from '../executable/unused-programs.ts';

const module = path.join(import.meta.dirname, '../executable/unused-programs.ts');
const id = (digit: string): string => digit.repeat(16);

interface Cache {
  at: (name: string) => string;
  left: () => string[];
}

/** A cache with a program of each of these names, each last started so many hours ago; `ffff...` is ours. */
function cacheWith(hoursByName: Record<string, number>): Cache {
  const cache = temporaryDirectory();
  for (const [name, hours] of Object.entries({ ...hoursByName, [id('f')]: 1000 })) {
    const place = path.join(cache, name);
    fs.mkdirSync(place);
    fs.writeFileSync(path.join(place, 'launch.mjs'), 'export {};\n');
    setAge(place, hours);
  }
  return { at: (name) => path.join(cache, name), left: () => fs.readdirSync(cache).sort() };
}

function setAge(place: string, hours: number): void {
  const time = Date.now() / 1000 - hours * 3600;
  fs.utimesSync(place, time, time);
}

/** Another process that works with this program. */
async function started(program: string): Promise<void> {
  const script = `(await import(${JSON.stringify(module)})).useProgram(${JSON.stringify(program)}); console.log(); setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script]);
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
}

it('other versions go a day after their last start, and so does what a cut has left', () => {
  const { at, left } = cacheWith({ [id('a')]: 25, [id('b')]: 23, '.unpacking-x': 25, '.unpacking-y': 0, other: 99 });
  removeUnusedPrograms(at(id('f')));
  expect(left()).toEqual(['.unpacking-y', id('b'), id('f'), 'other']);
});

it('a few at a time', () => {
  const { at, left } = cacheWith(Object.fromEntries(['0', '1', '2', '3', '4'].map((digit) => [id(digit), 50])));
  removeUnusedPrograms(at(id('f')));
  expect(left()).toHaveLength(3);
  removeUnusedPrograms(at(id('f')));
  expect(left()).toEqual([id('f')]);
});

it('one that a process works with stays, however long that lives', async () => {
  const { at, left } = cacheWith({ [id('a')]: 50, [id('b')]: 50 });
  await started(at(id('a')));
  setAge(at(id('a')), 50);
  removeUnusedPrograms(at(id('f')));
  expect(left()).toEqual([id('a'), id('f')]);
  expect(fs.existsSync(path.join(at(id('a')), 'launch.mjs'))).toBe(true);
});

it('a start makes it used again', async () => {
  const { at, left } = cacheWith({ [id('a')]: 50 });
  const { useProgram } = await import(module);
  useProgram(at(id('a')));
  expect(Date.now() - fs.statSync(at(id('a'))).mtimeMs).toBeLessThan(60_000);
  removeUnusedPrograms(at(id('f')));
  expect(left()).toEqual([id('a'), id('f')]);
});

it('a link in its place is left alone, and what cannot be looked at is no failure', () => {
  const { at, left } = cacheWith({});
  const elsewhere = temporaryDirectory();
  fs.symlinkSync(elsewhere, at(id('a')));
  fs.lutimesSync(at(id('a')), 1, 1);
  removeUnusedPrograms(at(id('f')));
  expect(left()).toEqual([id('a'), id('f')]);
  removeUnusedPrograms('/nonexistent/cache/program');
});
