import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { StateManager } from '../src/index.ts';
import { coded, expectNothingOpen } from './expectations.ts';
import { sqliteScene } from './databases/sqlite-scene.ts';
import { scene } from './scene.ts';

class ChangeError extends Error {}

describe('guards at the same time', () => {
  it('of the same slot: the second is an error, and changes nothing', async () => {
    const here = scene({ f: 'zero' });
    const state = here.stateManager();
    const refused = Promise.withResolvers<unknown>();
    const guard = (text: string): Promise<void> =>
      state.guard('app', { files: [here.at('f')] }, async () => {
        await refused.promise;
        here.write('f', text);
      });
    const [first, second] = [guard('one'), guard('two')];
    for (const one of [first, second]) one.catch(refused.resolve);
    const results = await Promise.allSettled([first, second]);
    expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await refused.promise).toEqual(coded('overlap'));
    expect(here.read('f')).toBe(results[0].status === 'fulfilled' ? 'one' : 'two');
    expectNothingOpen(here);
  });

  it.each([
    ['the same run', {}],
    ['different runs', { run: 'other' }],
  ])(
    'of overlapping paths, in %s: one waits for the other, and neither sees the other half-done',
    async (_, options) => {
      const here = scene({ d: { f: '0' } });
      const one = here.stateManager({ lock: 'inherited', run: 'one' });
      const other = here.stateManager({ lock: 'inherited', run: 'one', ...options });
      const waiting = /^info (b waits: a|a waits: b) is changing the same$/;
      let inside = 0;
      const change = async (): Promise<void> => {
        inside += 1;
        expect(inside).toBe(1);
        here.write('d/f', 'half');
        await vi.waitUntil(() => here.said.some((line) => waiting.test(line)), { timeout: 60_000 });
        inside -= 1;
        throw new ChangeError('no');
      };
      const results = await Promise.allSettled([
        one.guard('a', { files: [here.at('d')] }, change),
        other.guard('b', { files: [here.at('d/f')] }, change),
      ]);
      expect(results.map((result) => (result.status === 'rejected' ? (result.reason as Error).message : ''))).toEqual([
        'no',
        'no',
      ]);
      expect(here.read('d/f')).toBe('0');
      expectNothingOpen(here);
    },
  );

  it('of a database and of the directory that it lies in: one waits for the other', async () => {
    const here = scene();
    const { connection, sql, rows } = sqliteScene();
    const [files, databases] = [[path.dirname(connection.database)], [{ ...connection }]];
    const [one, other] = ['one', 'other'].map((run) => here.stateManager({ lock: 'inherited', run }));
    let inside = 0;
    const change = async (): Promise<void> => {
      inside += 1;
      expect(inside).toBe(1);
      sql('DELETE FROM orders');
      await vi.waitUntil(() => here.said.some((line) => / waits: /.test(line)), { timeout: 60_000 });
      inside -= 1;
      throw new ChangeError('no');
    };
    await Promise.allSettled([one?.guard('a', { files }, change), other?.guard('b', { databases }, change)]);
    expect(rows('SELECT count(*) FROM orders')).toEqual([[1000]]);
    expect(here.said.filter((line) => / waits: /.test(line))).toHaveLength(1);
    expectNothingOpen(here);
  });

  it('of different paths run side by side', async () => {
    const here = scene({ f: '', g: '' });
    const state = here.stateManager();
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const meet = (own: typeof first, other: typeof first) => async (): Promise<void> => {
      own.resolve();
      await other.promise;
    };
    await Promise.all([
      state.guard('a', { files: [here.at('f')] }, meet(first, second)),
      state.guard('b', { files: [here.at('g')] }, meet(second, first)),
    ]);
    expectNothingOpen(here);
  });

  it('do not wait for ever for one that could not be undone', async () => {
    const here = scene({ f: 'old' });
    const state = here.stateManager({ lock: 'inherited' });
    await state.attempt('broken', { files: [here.at('f')] }, async () => {
      here.write('f', 'new');
      fs.truncateSync(`${here.backupDir}/broken_backup/manifest.json`, 20);
      throw new ChangeError('no');
    });
    await expect(state.guard('next', { files: [here.at('f')] }, async () => {})).rejects.toThrow(
      coded('overlap', /^next claims the same as broken, which could not be undone$/),
    );
  });

  it('cannot be recovered from while they are under way', async () => {
    const here = scene({ f: 'old' });
    const state = here.stateManager();
    await state.guard('app', { files: [here.at('f')] }, async () => {
      here.write('f', 'new');
      await expect(state.recover()).rejects.toThrow(
        coded('overlap', /^cannot undo the change of app while it is under way$/),
      );
    });
    expect(here.read('f')).toBe('new');
  });
});

describe('a second instance', () => {
  it('with a lock of its own is told who holds it', async () => {
    const here = scene();
    const state = here.stateManager();
    await state.guard('app', {}, async () => {
      const other = new StateManager({ backupDir: here.backupDir });
      const startedAt = performance.now();
      await expect(other.recover()).rejects.toThrow(
        coded('locked', new RegExp(`^pid ${process.pid} \\(change of app\\) holds the lock`)),
      );
      expect(performance.now() - startedAt).toBeLessThan(20_000);
    });
  });
});
