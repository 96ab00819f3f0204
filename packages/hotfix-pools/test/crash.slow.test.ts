import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { endings, Server, type AuthorsPool } from './server.ts';

const fixture = path.join(import.meta.dirname, 'fixtures/apply-pools.ts');
const files = ['a', 'b', 'site/c', 'new/deep/d'];
const poolIds = ['one', 'two', 'three'];

/** Three pools of four files; each closure takes a while and notes what it saw in the first file. */
function serverWithPools(): Server {
  const live = Object.fromEntries(poolIds.map((id) => [id, { a: 'old', b: 'old', site: { c: 'old' } }]));
  const server = new Server(live);
  server.pools('1.0.0', poolIds.map(pool), ['echo final >> LIVE/../final']);
  return server;
}

function pool(id: string): AuthorsPool {
  return {
    id,
    files: Object.fromEntries(files.map((name) => [`${id}/${name}`, 'new'])),
    closure: ['cd LIVE', `sleep 0.02; echo "$(cat ${id}/a)" >> ../saw-${id}`],
  };
}

/** Applies in a child process and kills it `afterMs` after it has begun; resolves to how long it worked, and its end. */
async function applyAndKill(server: Server, afterMs: number): Promise<{ workedMs: number; wasKilled: boolean }> {
  const child = spawn(process.execPath, [fixture, server.root], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  const startedAt = performance.now();
  const timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
  const [, signal] = (await ended) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  return { workedMs: performance.now() - startedAt, wasKilled: signal === 'SIGKILL' };
}

function contents(server: Server, id: string): (string | undefined)[] {
  return files.map((name) => (server.exists(`${id}/${name}`) ? server.read(`${id}/${name}`) : undefined));
}

function lastSeen(server: Server, id: string): string | undefined {
  const log = path.join(server.root, `saw-${id}`);
  return fs.existsSync(log) ? fs.readFileSync(log, 'utf8').trim().split('\n').at(-1) : undefined;
}

it('killed at random instants, every pool is all old or all new after a recovery, and the next run completes it', async () => {
  const undisturbed = await applyAndKill(serverWithPools(), 60_000);
  expect(undisturbed.wasKilled).toBe(false);
  const cuts = Array.from({ length: 20 }, () => 1.2 * undisturbed.workedMs * Math.random());
  const seen = { old: 0, new: 0, restored: 0 };
  for (const afterMs of cuts) {
    const server = serverWithPools();
    await applyAndKill(server, afterMs);
    const { found, damaged } = await server.state().recover();
    expect(damaged).toEqual([]);
    for (const one of found) {
      const id = one.slot.replace('hotfix_pool_', '');
      expect([one.slot, one.outcome, one.afterRestore?.ok, lastSeen(server, id)]).toEqual([
        one.slot,
        'restored',
        true,
        'old',
      ]);
      seen.restored += 1;
    }
    for (const id of poolIds) {
      const isNew = server.read(`${id}/a`) === 'new';
      expect(contents(server, id)).toEqual(isNew ? ['new', 'new', 'new', 'new'] : ['old', 'old', 'old', undefined]);
      expect(server.exists(`${id}/new`)).toBe(isNew);
      expect(fs.existsSync(path.join(server.stateDir, `pools/${id}.json`))).toBe(isNew);
      expect(fs.readdirSync(path.join(server.live, id)).filter((name) => name.startsWith('.'))).toEqual([]);
      seen[isNew ? 'new' : 'old'] += 1;
    }
    expect(await applyAndKill(server, 60_000)).toMatchObject({ wasKilled: false });
    for (const id of poolIds) expect(contents(server, id)).toEqual(['new', 'new', 'new', 'new']);
    expect(fs.readFileSync(path.join(server.root, 'final'), 'utf8')).toMatch(/^(final\n){1,2}$/);
    expect(endings(await server.apply())).toEqual(poolIds.map((id) => `${id}: up-to-date`));
  }
  // Else the cuts fell outside of the work.
  expect(seen.old).toBeGreaterThan(0);
  expect(seen.new).toBeGreaterThan(0);
  expect(seen.restored).toBeGreaterThan(0);
}, 180_000);
