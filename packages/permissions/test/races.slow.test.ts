import fs from 'node:fs';
import path from 'node:path';
import {
  asOrdinaryUser,
  atEachPoint,
  countCalls,
  describeTree,
  describeUnderSupervision,
  faultPoints,
  killAtCall,
  makeTree,
} from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { isRoot, scene, type Scene } from './scene.ts';

/* Somebody without rights owns the tree whose owner and mode are set, and swaps what lies in it before each of the calls. */

const MOST_POINTS = 6;
const fixture = path.join(import.meta.dirname, 'fixtures/set-permissions.ts');

/** Lines of shell, in the folder that holds `data` and `outside`. */
const attacks: Record<string, string> = {
  'a directory for a link': 'mv data/deep data/away && ln -s ../outside data/deep',
  'the whole tree for a link': 'mv data/deep data/kept; mv data away; ln -s outside data',
  'files for links': 'for f in data/a data/deep/b; do rm -f "$f"; ln -s "$PWD/outside/b" "$f"; done',
  'files for other names of what is outside': 'for f in data/a data/deep/b; do rm -f "$f"; ln outside/open "$f"; done',
};

function prepared(): Scene {
  const here = scene({ data: { a: 'a', b: 'b', deep: { a: 'a', b: 'b', c: 'c' } } });
  makeTree(here.root, { outside: { a: 'a', b: 'b', c: 'c', open: 'o', deep: { a: 'a', b: 'b', c: 'c' } } });
  fs.chmodSync(here.at('outside/open'), 0o666); // Whoever may write to a file may give it another name.
  fs.chmodSync(here.root, 0o777);
  if (isRoot)
    for (const name of ['', '/a', '/b', '/deep', '/deep/a', '/deep/b', '/deep/c'])
      fs.chownSync(here.at(`data${name}`), 65534, 65534);
  return here;
}

/** Without the number of names: a name more is no change of the file. */
const outsideOf = (here: Scene): string =>
  describeTree(here.at('outside'))
    .map((line) => line.replace(/ nlink=\d+/, ''))
    .join('\n');

const command = (here: Scene): [string, ...string[]] => [
  process.execPath,
  fixture,
  here.at('data'),
  isRoot ? '1234' : '',
];

await describeUnderSupervision('while owner and mode of a tree are set', () => {
  it.each(Object.keys(attacks))('%s can be swapped, and nothing outside is changed', async (what) => {
    const options = { mode: 'hook', env: { PATH: process.env['PATH'] ?? '' } } as const;
    const counted = prepared();
    const { calls, exitCode } = await countCalls(command(counted), { ...options, under: [counted.at('data')] });
    expect(exitCode).toBe(0);
    expect(calls.length).toBeGreaterThan(6);
    let changes = 0;
    const found = await atEachPoint(faultPoints(calls.length, MOST_POINTS), async (point) => {
      const here = prepared();
      const before = outsideOf(here);
      const hook = asOrdinaryUser(['sh', '-c', `'cd ${here.root} && ${attacks[what]}'`]).join(' ');
      await killAtCall(command(here), point, { ...options, under: [here.at('data')], hook: `${hook} 2>/dev/null` });
      if (isSwapped(here)) changes += 1;
      return outsideOf(here) === before ? [] : [`${point} (${calls[point - 1]}): ${outsideOf(here)}`];
    });
    expect(found).toEqual([]);
    expect(changes).toBeGreaterThan(0); // Else nobody has raced.
  });
});

function isSwapped(here: Scene): boolean {
  const entries = ['data', 'data/deep', 'data/a'].map((name) => fs.lstatSync(here.at(name), { throwIfNoEntry: false }));
  return entries.some((entry) => entry?.isSymbolicLink() || (entry?.isFile() && entry.nlink > 1));
}
