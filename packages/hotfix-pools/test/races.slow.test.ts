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
/** A web site in a home of theirs, and a directory like /tmp, in which each may make files, and remove only their own. */
const [site, shared] = ['home/www/site', 'home/tmp'];

interface Attack {
  /** Where the destinations are. */
  place: string;
  /** In the folder of the server. */
  shell: string;
}

const attacks: Record<string, Attack> = {
  'the directory of the destinations': {
    place: site,
    shell: `mv live/${site} live/home/away && ln -s "$PWD/outside" live/${site}`,
  },
  'the directory above it': {
    place: site,
    shell: 'mv live/home/www live/home/away && ln -s "$PWD/outside" live/home/www',
  },
  'the destinations themselves': {
    place: site,
    shell: `cd live/${site} && for f in a new; do rm -f $f; ln -s ../../../../outside/$f $f; done`,
  },
  'whatever is made beside the destinations': {
    place: site,
    shell: `cd live/${site} && for f in .h*; do mv "$f" moved; ln -s ../../../../outside "$f"; done`,
  },
  'destinations in a directory like /tmp': {
    place: shared,
    shell: `cd live/${shared} && for f in a new log tool; do rm -f $f; ln -s ../../../outside/$f $f; done`,
  },
};

function serverOf(prepare: (server: OperationsServer) => void): OperationsServer {
  const files = { a: file('old a', 0o644), log: 'old log\n', tool: 'old tool' };
  const server = new OperationsServer({ home: { www: { site: files }, tmp: files } });
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
  fs.chmodSync(path.join(server.live, shared), 0o1777);
  if (process.getuid?.() === 0)
    for (const name of ['', '/www', '/www/site', '/www/site/a', '/tmp/a', '/tmp/log', '/tmp/tool'])
      fs.chownSync(`${server.live}/home${name}`, 65534, 65534);
  prepare(server);
  return server;
}

const hotfixes: Record<string, (server: OperationsServer, place: string) => void> = {
  'that are applied': (server, place) =>
    server.pools('1.0.0', [
      { id: 'one', files: { [`${place}/a`]: 'new a', [`${place}/new/c`]: 'new c' }, closure: ['true'] },
    ]),
  'that are put back': (server, place) =>
    server.pools('1.0.0', [
      {
        id: 'one',
        files: { [`${place}/a`]: 'broken', [`${place}/new/c`]: 'c' },
        closure: [`! grep -q broken LIVE/${place}/a`],
      },
    ]),
  'that append, link and give away': (server, place) => {
    server.sources({ a: 'new a', block: 'block\n', tool: 'new tool' });
    const permissions = { ...(process.getuid?.() === 0 ? { user: 'nobody', group: 'nogroup' } : {}), mode: '666' };
    server.operations('1.0.0', [
      { id: 'copy', type: 'copy', source: 'a', target: `LIVE/${place}/a`, permissions },
      { id: 'append', type: 'append', source: 'block', target: `LIVE/${place}/log` },
      { id: 'link', type: 'symlink', source: 'tool', target: `LIVE/${place}/tool` },
    ]);
  },
};

type Command = (server: OperationsServer) => readonly [string, ...string[]];

const applies: Command = ({ root }) => [process.execPath, fixture, root];

/** As many a script does it. */
const naive: Command = ({ live }) => ['sh', '-c', `echo new > ${live}/${site}/a; cp /dev/null ${live}/${site}/new`];

/** Attacks before a sample of the calls; returns what was changed outside, and how often a link was in place in the end. */
async function race(
  command: Command,
  prepare: (server: OperationsServer, place: string) => void,
  { place, shell }: Attack,
): Promise<{ found: string[]; swapped: number }> {
  const options = { mode: 'hook', env: { PATH: process.env['PATH'] ?? '' }, timeoutMs: 120_000 } as const;
  const begin = (): OperationsServer => serverOf((server) => prepare(server, place));
  const counted = begin();
  const { calls } = await countCalls(command(counted), { ...options, under: [counted.live] });
  let swapped = 0;
  const found = await atEachPoint(faultPoints(calls.length, MOST_POINTS), async (point) => {
    const server = begin();
    const outside = path.join(server.root, 'outside');
    const before = describeTree(outside);
    const words = asOrdinaryUser(['sh', '-c', `'cd ${server.root} && ${shell}'`]);
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
  const cases = Object.entries(hotfixes).flatMap(([which, prepare]) =>
    Object.entries(attacks).map(([what, attack]) => ({ which, what, prepare, attack })),
  );

  it.each(cases)(
    '$which, $what can be swapped for links, and nothing outside is changed',
    async ({ prepare, attack }) => {
      const { found, swapped } = await race(applies, prepare, attack);
      expect(found).toEqual([]);
      expect(swapped).toBeGreaterThan(0); // Else nobody has raced.
    },
  );

  it.each(Object.entries(attacks).slice(0, 3))(
    'a program that goes by path would be caught where %s can be swapped',
    async (_what, attack) => {
      expect((await race(naive, () => {}, attack)).found).not.toEqual([]);
    },
  );
});
