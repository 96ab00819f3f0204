import fs from 'node:fs';
import path from 'node:path';
import {
  asOrdinaryUser,
  atEachPoint,
  countCalls,
  describeTree,
  describeUnderSupervision,
  faultPoints,
  file,
  killAtCall,
  makeTree,
} from '@homeserver/test-support';
import { expect, it, vi } from 'vitest';
import { OperationsServer } from './operations/operations-server.ts';

vi.setConfig({ testTimeout: 1_200_000 });

/*
 * Somebody without rights owns the directories that hotfixes write into, and swaps what lies there for links to a directory
 * of root, before one call of the program after the other. Whatever becomes of the hotfix: nothing outside is changed.
 */

const MOST_POINTS = 4;
const fixture = path.join(import.meta.dirname, 'fixtures/apply-hotfixes.ts');
const home = 'home/www/site';

/** Lines of shell, in the folder of the server. */
const attacks: Record<string, string> = {
  'the directory of the destinations': `mv live/${home} live/home/away && ln -s "$PWD/outside" live/${home}`,
  'the directory above it': 'mv live/home/www live/home/away && ln -s "$PWD/outside" live/home/www',
  'the destinations themselves': `cd live/${home} && for f in a new; do rm -f $f; ln -s ../../../../outside/$f $f; done`,
  'whatever is made beside the destinations': `cd live/${home} && for f in .h*; do mv "$f" moved; ln -s ../../../../outside "$f"; done`,
};

function serverOf(prepare: (server: OperationsServer) => void): OperationsServer {
  const site = { a: file('old a', 0o644), log: 'old log\n', tool: 'old tool' };
  const server = new OperationsServer({ home: { www: { site } } });
  const outside = {
    a: file('a of root', 0o600),
    new: 'n',
    log: 'l',
    tool: 't',
    site: { a: 'sa', log: 'sl', tool: 'st' },
  };
  makeTree(server.root, { outside });
  // Others can come as far as the site, which is theirs.
  for (const directory of [server.root, server.live]) fs.chmodSync(directory, 0o755);
  if (process.getuid?.() === 0)
    for (const name of ['', '/www', '/www/site', '/www/site/a'])
      fs.chownSync(`${server.live}/home${name}`, 65534, 65534);
  prepare(server);
  return server;
}

const hotfixes: Record<string, (server: OperationsServer) => void> = {
  'that are applied': (server) =>
    server.pools('1.0.0', [
      { id: 'one', files: { [`${home}/a`]: 'new a', [`${home}/new/c`]: 'new c' }, closure: ['true'] },
    ]),
  'that are put back': (server) =>
    server.pools('1.0.0', [
      {
        id: 'one',
        files: { [`${home}/a`]: 'broken', [`${home}/new/c`]: 'c' },
        closure: [`! grep -q broken LIVE/${home}/a`],
      },
    ]),
  'that append, link and give away': (server) => {
    server.sources({ a: 'new a', block: 'block\n', tool: 'new tool' });
    const permissions = { ...(process.getuid?.() === 0 ? { user: 'nobody', group: 'nogroup' } : {}), mode: '666' };
    server.operations('1.0.0', [
      { id: 'copy', type: 'copy', source: 'a', target: `LIVE/${home}/a`, permissions },
      { id: 'append', type: 'append', source: 'block', target: `LIVE/${home}/log` },
      { id: 'link', type: 'symlink', source: 'tool', target: `LIVE/${home}/tool` },
    ]);
  },
};

type Command = (server: OperationsServer) => readonly [string, ...string[]];

const applies: Command = ({ root }) => [process.execPath, fixture, root];

/** As many a script does it. */
const naive: Command = ({ live }) => ['sh', '-c', `echo new > ${live}/${home}/a; cp /dev/null ${live}/${home}/new`];

/** Attacks before a sample of the calls; returns what was changed outside, and how often a link was in place in the end. */
async function race(
  command: Command,
  prepare: (server: OperationsServer) => void,
  attack: string,
): Promise<{ found: string[]; swapped: number }> {
  const options = { mode: 'hook', env: { PATH: process.env['PATH'] ?? '' }, timeoutMs: 120_000 } as const;
  const counted = serverOf(prepare);
  const { calls } = await countCalls(command(counted), { ...options, under: [counted.live] });
  let swapped = 0;
  const found = await atEachPoint(faultPoints(calls.length, MOST_POINTS), async (point) => {
    const server = serverOf(prepare);
    const outside = path.join(server.root, 'outside');
    const before = describeTree(outside);
    const words = asOrdinaryUser(['sh', '-c', `'cd ${server.root} && ${attack}'`]);
    const hook = `${words.join(' ')} 2>/dev/null`;
    const { firedAt } = await killAtCall(command(server), point, { ...options, under: [server.live], hook });
    if (linksBelow(server.live).some((target) => target.includes('outside'))) swapped += 1;
    const after = describeTree(outside);
    return JSON.stringify(after) === JSON.stringify(before) ? [] : [`${point} (${firedAt}): ${after.join(', ')}`];
  });
  return { found, swapped };
}

function linksBelow(directory: string): string[] {
  return fs
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isSymbolicLink())
    .map((entry) => fs.readlinkSync(path.join(entry.parentPath, entry.name)));
}

await describeUnderSupervision('while hotfixes are at work', () => {
  const cases = Object.keys(hotfixes).flatMap((which) => Object.keys(attacks).map((what) => [which, what] as const));

  it.each(cases)('%s, %s can be swapped for links, and nothing outside is changed', async (which, what) => {
    const { found, swapped } = await race(applies, hotfixes[which] ?? (() => {}), attacks[what] ?? '');
    expect(found).toEqual([]);
    expect(swapped).toBeGreaterThan(0); // Else nobody has raced.
  });

  it.each(Object.keys(attacks).slice(0, 3))(
    'a program that goes by path would be caught where %s can be swapped',
    async (what) => {
      expect((await race(naive, () => {}, attacks[what] ?? '')).found).not.toEqual([]);
    },
  );
});
