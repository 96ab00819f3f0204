import fs from 'node:fs';
import path from 'node:path';
import { countCalls, describeUnderSupervision } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { Server } from '../server.ts';

const FILES = 10;
const fixture = path.join(import.meta.dirname, '../fixtures/apply-hotfixes.ts');

/** Pools of ten files each, half of which are there. */
function serverWith(pools: number): Server {
  const ids = Array.from({ length: pools }, (_, at) => `pool${at}`);
  const names = Array.from({ length: FILES }, (_, at) => `file${at}`);
  const there = Object.fromEntries(names.slice(0, FILES / 2).map((name) => [name, 'old '.repeat(1000)]));
  const server = new Server(Object.fromEntries(ids.map((id) => [id, there])));
  const files = (id: string): Record<string, string> =>
    Object.fromEntries(names.map((name) => [`${id}/${name}`, `new ${id} ${name}`.repeat(1000)]));
  server.pools(
    '1.0.0',
    ids.map((id) => ({ id, files: files(id) })),
  );
  return server;
}

interface Effort {
  calls: readonly string[];
  /** At the end, garbage collected. */
  keptKiB: number;
  peakKiB: number;
  server: Server;
}

/** What it takes to apply so many pools in one run: calls that change files, and memory. */
async function apply(pools: number): Promise<Effort> {
  const server = serverWith(pools);
  // Garbage of a young heap that may grow says nothing about a program: here it may not.
  const flags = ['--expose-gc', '--max-semi-space-size=1'];
  const { calls, stdout, exitCode, stderr } = await countCalls([process.execPath, ...flags, fixture, server.root], {
    under: [server.root],
    env: { PATH: process.env['PATH'] ?? '' },
    timeoutMs: 170_000,
  });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const figure = (name: string): number => Number(new RegExp(`^${name} (\\d+) KiB$`, 'm').exec(stdout)?.[1]);
  return { calls, keptKiB: figure('kept'), peakKiB: figure('peak'), server };
}

await describeUnderSupervision('a hundred pools of ten files', () => {
  it('take four times as many calls as 25, one capture each, and no more memory', async () => {
    const few = await apply(25);
    const some = await apply(50);
    const { calls, keptKiB, peakKiB, server } = await apply(100);
    const eachOfSome = (some.calls.length - few.calls.length) / 25;
    const eachOfMany = (calls.length - some.calls.length) / 50;
    expect(eachOfMany).toBeGreaterThan(FILES);
    expect(eachOfMany / eachOfSome).toBeCloseTo(1, 1); // 0.95 to 1.05
    expect(keptKiB).toBeLessThan(few.keptKiB * 1.1);
    expect(peakKiB).toBeLessThan(few.peakKiB * 1.2);
    expect(server.read('pool99/file9')).toBe('new pool99 file9'.repeat(1000));

    // A backup that is complete takes its name.
    expect(calls.filter((call) => /^rename.* -> .*_backup$/.test(call))).toHaveLength(100);
    const backups = fs.readdirSync(server.backupDir).filter((name) => name.endsWith('_backup'));
    expect(backups).toHaveLength(100);
    for (const backup of backups) {
      const manifest = fs.readFileSync(path.join(server.backupDir, backup, 'manifest.json'), 'utf8');
      const id = backup.replace(/^hotfix_pool_(.*)_backup$/, '$1');
      for (let at = 0; at < FILES; at += 1) expect(manifest).toContain(path.join(server.live, id, `file${at}`));
    }
  });
});
