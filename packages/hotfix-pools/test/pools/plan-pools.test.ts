import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { countingClosure, countLines, endings, Server } from '../server.ts';

describe('an applied pool', () => {
  it('is left alone, and its closure not run, while nothing has changed', async () => {
    const server = new Server({ a: 'old' });
    server.pools('1.0.0', [{ id: 'web', files: { a: 'new' }, closure: countingClosure }]);
    await server.apply();
    const before = server.describe();
    expect(endings(await server.apply())).toEqual(['web: up-to-date']);
    expect(server.describe()).toEqual(before);
    expect(countLines(server, 'runs')).toBe(1);
  });

  it('is applied again by a new schema version, also over an edit of the owner', async () => {
    const server = new Server({ a: 'old' });
    server.pools('1.0.0', [{ id: 'web', files: { a: 'new' }, closure: countingClosure }]);
    await server.apply();
    server.write('a', 'edited');
    server.pools('1.0.1', [{ id: 'web', files: { a: 'newer' }, closure: countingClosure }]);
    const report = await server.apply();
    expect(report.pools).toMatchObject([
      { state: 'applied', reason: 'schema 1.0.0 -> 1.0.1', destinations: [{ found: 'edited' }] },
    ]);
    expect(server.read('a')).toBe('newer');
    expect(countLines(server, 'runs')).toBe(2);
  });

  it.each([
    ['edited', (server: Server) => server.write('a', 'mine'), 'edited'],
    ['set back to what it was', (server: Server) => server.write('a', 'old'), 'edited'],
    ['removed', (server: Server) => fs.rmSync(path.join(server.live, 'a')), 'absent'],
  ])(
    'is reported and not rewritten when its owner has %s a destination, even with retry',
    async (_how, change, found) => {
      const server = new Server({ a: 'old' });
      server.pools('1.0.0', [{ id: 'web', files: { a: 'new' }, closure: countingClosure }]);
      await server.apply();
      change(server);
      const before = server.describe();
      const report = await server.apply({ retry: true });
      expect(report.pools).toMatchObject([{ state: 'skipped', skip: 'edited', destinations: [{ found }] }]);
      expect(report.pools[0]?.reason).toContain(path.join(server.live, 'a'));
      expect(server.describe()).toEqual(before);
    },
  );

  it('is applied when its sources or operations have changed without a new version', async () => {
    const server = new Server({ a: 'old' });
    server.pools('1.0.0', [{ id: 'web', files: { a: 'new' } }]);
    await server.apply();
    server.pools('1.0.0', [{ id: 'web', files: { a: 'newer' } }]);
    expect(endings(await server.apply())).toEqual(['web: applied']);
    server.pools('1.0.0', [{ id: 'web', files: { a: 'newer', b: 'B' } }]);
    expect(endings(await server.apply())).toEqual(['web: applied']);
    expect(endings(await server.apply())).toEqual(['web: up-to-date']);
  });

  it('is judged by what its closure made of the files', async () => {
    const server = new Server();
    server.pools('1.0.0', [{ id: 'web', files: { a: 'new\n' }, closure: ['echo built >> LIVE/a'] }]);
    await server.apply();
    expect(server.read('a')).toBe('new\nbuilt\n');
    expect(endings(await server.apply())).toEqual(['web: up-to-date']);
  });
});

async function reverted(): Promise<Server> {
  const server = new Server({ a: 'old' });
  server.pools('1.0.0', [{ id: 'web', files: { a: 'broken' }, closure: countingClosure }]);
  expect(endings(await server.apply())).toEqual(['web: reverted']);
  expect(countLines(server, 'runs')).toBe(2);
  return server;
}

describe('a reverted pool', () => {
  it('is not tried again while nothing has changed, and says why', async () => {
    const server = await reverted();
    const report = await server.apply();
    expect(report.pools).toMatchObject([{ state: 'skipped', skip: 'given-up' }]);
    expect(report.pools[0]?.reason).toContain('closure line 2 (! grep -q broken');
    expect(countLines(server, 'runs')).toBe(2);
  });

  it('is tried again with retry', async () => {
    const server = await reverted();
    expect(endings(await server.apply({ retry: true }))).toEqual(['web: reverted']);
    expect(countLines(server, 'runs')).toBe(4);
  });

  it('is tried again when a destination has changed', async () => {
    const server = await reverted();
    server.write('a', 'edited');
    expect(endings(await server.apply())).toEqual(['web: reverted']);
    expect(server.read('a')).toBe('edited');
    expect(endings(await server.apply())).toEqual(['web: given-up']);
  });

  it('is tried again by a new schema version', async () => {
    const server = await reverted();
    server.pools('1.0.1', [{ id: 'web', files: { a: 'good' }, closure: countingClosure }]);
    expect(endings(await server.apply())).toEqual(['web: applied']);
    expect(endings(await server.apply())).toEqual(['web: up-to-date']);
  });

  it('falls back to the version before it, which is applied again', async () => {
    const server = new Server({ a: 'old' });
    const good = { id: 'web', files: { a: 'good' }, closure: countingClosure };
    server.pools('1.0.0', [good]);
    await server.apply();
    server.pools('1.1.0', [{ ...good, files: { a: 'broken' } }]);
    expect(endings(await server.apply())).toEqual(['web: reverted']);
    expect(server.read('a')).toBe('good');
    server.pools('1.0.0', [good]);
    expect(endings(await server.apply())).toEqual(['web: up-to-date']);
  });
});
