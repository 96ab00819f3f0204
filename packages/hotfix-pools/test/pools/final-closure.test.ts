import { describe, expect, it } from 'vitest';
import { countingClosure, countLines, endings, Server } from '../server.ts';

describe('the final closure', () => {
  const final = ['echo final >> LIVE/../final'];
  it('runs once after pools were applied, and not again while nothing changes', async () => {
    const server = new Server();
    server.pools('1.0.0', [{ id: 'web', files: { a: 'A' } }], final);
    expect((await server.apply()).finalClosure.state).toBe('passed');
    expect((await server.apply()).finalClosure).toEqual({ state: 'not-run', reason: 'no pool was applied' });
    expect(countLines(server, 'final')).toBe(1);
  });

  it('does not run when a pool failed, now or before', async () => {
    const server = new Server({ a: 'old' });
    const bad = { id: 'bad', files: { a: 'broken' }, closure: countingClosure };
    server.pools('1.0.0', [bad, { id: 'good', files: { b: 'B' } }], final);
    expect((await server.apply()).finalClosure).toEqual({
      state: 'not-run',
      reason: 'not every pool is in place: bad',
    });
    server.pools('1.0.0', [bad, { id: 'good', files: { b: 'B2' } }], final);
    const again = await server.apply();
    expect(endings(again)).toEqual(['bad: given-up', 'good: applied']);
    expect(again.finalClosure.state).toBe('not-run');
    expect(countLines(server, 'final')).toBe(0);
  });

  it('runs when the pool that was missing comes in later', async () => {
    const server = new Server({ a: 'old' });
    const one = { id: 'one', files: { a: 'broken' }, closure: countingClosure };
    const two = { id: 'two', files: { b: 'B' } };
    server.pools('1.0.0', [one, two], final);
    await server.apply();
    server.pools('1.0.0', [{ ...one, files: { a: 'good' } }, two], final);
    const report = await server.apply();
    expect(endings(report)).toEqual(['one: applied', 'two: up-to-date']);
    expect(report.finalClosure.state).toBe('passed');
  });

  it('is caught up on when the run was cut before it', async () => {
    const server = new Server();
    server.pools('1.0.0', [{ id: 'web', files: { a: 'A' } }], final);
    const abort = new AbortController();
    const logger = {
      ...server.logger,
      info: (line: string) => void (line.startsWith('pool web: applied') && abort.abort()),
    };
    const cut = await server.apply({ signal: abort.signal, logger });
    expect(cut.finalClosure).toEqual({ state: 'not-run', reason: 'stopped before it began' });
    const report = await server.apply();
    expect(endings(report)).toEqual(['web: up-to-date']);
    expect(report.finalClosure.state).toBe('passed');
    expect(countLines(server, 'final')).toBe(1);
  });

  it('is an error when it fails, and rolls nothing back', async () => {
    const server = new Server({ a: 'old' });
    server.pools('1.0.0', [{ id: 'web', files: { a: 'new' } }], ['true', 'echo unhealthy; exit 7']);
    const report = await server.apply();
    expect(report.finalClosure).toMatchObject({
      state: 'failed',
      reason: 'closure line 2 (echo unhealthy; exit 7) exited 7: unhealthy',
    });
    expect(server.read('a')).toBe('new');
    expect(endings(await server.apply())).toEqual(['web: up-to-date']);
  });
});
