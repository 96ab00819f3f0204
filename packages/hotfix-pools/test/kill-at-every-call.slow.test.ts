import fs from 'node:fs';
import path from 'node:path';
import {
  countCalls,
  describeUnderSupervision,
  faultPoints,
  file,
  killAtCall,
  type FaultMode,
} from '@homeserver/test-support';
import { expect, it, vi } from 'vitest';
import { endings, Server } from './server.ts';

vi.setConfig({ testTimeout: 1_200_000 });

const fixture = path.join(import.meta.dirname, 'fixtures/apply-pools.ts');
const command = ({ root }: Server) => [process.execPath, fixture, root] as const;

/** A pool that replaces two files and makes a third one, with its directories; its closure notes what it finds. */
function serverWithPool(closureFails: boolean): Server {
  const server = new Server({ a: file('old a', 0o640), site: { b: file('old b', 0o755) } });
  fs.utimesSync(path.join(server.live, 'a'), 1_234_567_890, 1_234_567_890);
  const files = { a: closureFails ? 'broken a' : 'new a', 'site/b': 'new b', 'new/deep/c': 'new c' };
  const closure = ['cd LIVE', 'echo >> ../saw; cat a >> ../saw', '! grep -q broken a'];
  server.pools('1.0.0', [{ id: 'one', files, closure }], ['echo final >> LIVE/../final']);
  return server;
}

const lastSeen = ({ root }: Server): string | undefined => {
  const log = path.join(root, 'saw');
  return fs.existsSync(log) ? fs.readFileSync(log, 'utf8').trimEnd().split('\n').at(-1) : undefined;
};

function isNew(server: Server): boolean {
  const contents = ['a', 'site/b', 'new/deep/c'].map((name) => server.exists(name) && server.read(name));
  return JSON.stringify(contents) === JSON.stringify(['new a', 'new b', 'new c']);
}

/** What is wrong after a recovery, and after the run that follows it. `before`: the live tree as it was. */
async function problemsOf(server: Server, before: string[], closureFails: boolean): Promise<string[]> {
  const problems: string[] = [];
  const { found, damaged } = await server.state().recover();
  if (damaged.length > 0) problems.push('the journal is damaged');
  const isOld = JSON.stringify(server.describe()) === JSON.stringify(before);
  if (!isOld && !isNew(server)) problems.push(`neither old nor new: ${server.describe().join(', ')}`);
  if (isNew(server) !== fs.existsSync(path.join(server.stateDir, 'pools/one.json')))
    problems.push('the record is wrong');
  for (const { outcome, afterRestore } of found)
    if (outcome !== 'restored' || afterRestore?.ok !== true || lastSeen(server) !== 'old a')
      problems.push(`recovered as ${outcome}, its closure saw ${lastSeen(server)}`);

  const wanted = closureFails ? ['reverted', 'given-up'] : ['applied', 'up-to-date'];
  for (let run = 1; run <= 2; run += 1) {
    const [ending] = endings(await server.apply());
    if (!wanted.some((how) => ending === `one: ${how}`)) problems.push(`run ${run} afterwards: ${ending}`);
  }
  const isAsWanted = closureFails ? JSON.stringify(server.describe()) === JSON.stringify(before) : isNew(server);
  if (!isAsWanted) problems.push(`at the end: ${server.describe().join(', ')}`);
  if (fs.existsSync(path.join(server.root, 'final')) === closureFails) problems.push('the final closure is wrong');
  return [...problems, ...leftovers(server)];
}

function leftovers(server: Server): string[] {
  const names = [server.live, server.backupDir, server.stateDir].flatMap((directory) =>
    fs.readdirSync(directory, { recursive: true, encoding: 'utf8' }),
  );
  return names.filter((name) => /\.tmp$|^journal\//.test(name)).map((name) => `left over: ${name}`);
}

/** At a sample of the calls of a run; with `again`, the run after it, which recovers first, is killed at one of its own. */
async function atCalls(closureFails: boolean, most: number, mode: FaultMode, again = false): Promise<string[]> {
  const counted = serverWithPool(closureFails);
  // Not the run marker of this process, which applies pools too: recovery would end everything that carries it.
  const env = { PATH: process.env['PATH'] ?? '' };
  const options = { mode, alsoExec: true, env, timeoutMs: 300_000 };
  const { calls } = await countCalls(command(counted), { ...options, under: [counted.root] });
  const found: string[] = [];
  // One after the other: this process recovers and applies, too, and a recovery ends what carries its marker.
  for (const n of faultPoints(calls.length, most)) {
    const server = serverWithPool(closureFails);
    const before = server.describe();
    const how = { ...options, under: [server.root] };
    const { firedAt } = await killAtCall(command(server), n, how);
    if (again) await killAtCall(command(server), 1 + ((n * 7) % 40), how);
    const problems = await problemsOf(server, before, closureFails);
    found.push(...problems.map((problem) => `${mode} at call ${n} (${firedAt}): ${problem}`));
  }
  return found;
}

await describeUnderSupervision(
  'a pool run, at any call of its processes that changes a file or starts a program,',
  () => {
    it.each([
      ['that applies', false],
      ['whose closure fails', true],
    ])('%s, can be killed: all old or all new after a recovery, and complete after the next run', async (_, fails) => {
      expect(await atCalls(fails, 40, 'kill')).toEqual([]);
    });

    it('can be killed with half of a write on the disk', async () => {
      expect(await atCalls(false, 8, 'torn')).toEqual([]);
    });

    it('can be killed once more while the next run recovers', async () => {
      expect(await atCalls(true, 12, 'kill', true)).toEqual([]);
    });
  },
);
