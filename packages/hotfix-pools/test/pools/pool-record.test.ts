import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { endings, Server } from '../server.ts';

describe('the record', () => {
  it('is undone together with the pool when the run that it belongs to is undone', async () => {
    const server = new Server({ a: 'old' });
    server.pools('1.0.0', [{ id: 'web', files: { a: 'new' } }]);
    const state = server.state({ session: 'hotfix', run: 'run1', lock: 'inherited' });
    expect(endings(await server.apply({ state }))).toEqual(['web: applied']);
    await state.undoRun('run1');
    expect(server.read('a')).toBe('old');
    expect(endings(await server.apply())).toEqual(['web: applied']);
    expect(server.read('a')).toBe('new');
  });

  it('stays when the run is committed', async () => {
    const server = new Server({ a: 'old' });
    server.pools('1.0.0', [{ id: 'web', files: { a: 'new' } }]);
    const state = server.state({ session: 'hotfix', run: 'run1', lock: 'inherited' });
    await server.apply({ state });
    await state.commitRun('run1');
    expect(endings(await server.apply())).toEqual(['web: up-to-date']);
  });

  it('counts as none when it cannot be read: the pool is applied once more', async () => {
    const server = new Server({ a: 'old' });
    server.pools('1.0.0', [{ id: 'web', files: { a: 'new' } }]);
    await server.apply();
    fs.writeFileSync(path.join(server.stateDir, 'pools/web.json'), '{"format": 1');
    expect(endings(await server.apply())).toEqual(['web: applied']);
    expect(server.log.filter((line) => line.startsWith('warn cannot read '))).toHaveLength(1);
  });

  it('refuses its pool when it is there but cannot be had: an edit of the owner could be lost', async () => {
    const server = new Server({ a: 'old' });
    server.pools('1.0.0', [{ id: 'web', files: { a: 'new' } }]);
    await server.apply();
    server.write('a', 'edited');
    const record = path.join(server.stateDir, 'pools/web.json');
    fs.rmSync(record);
    fs.mkdirSync(record);
    const report = await server.apply();
    expect(report.pools).toMatchObject([{ skip: 'refused' }]);
    expect(report.pools[0]?.reason).toContain(`cannot read ${record}: EISDIR`);
    expect(server.read('a')).toBe('edited');
  });
});
