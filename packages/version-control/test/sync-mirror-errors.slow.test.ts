import fs from 'node:fs';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import {
  countCalls,
  describeUnderSupervision,
  faultPoints,
  killAtCall,
  type FaultMode,
} from '@homeserver/test-support';
import { findGap } from '../src/inspect-mirror.ts';
import { syncMirror } from '../src/index.ts';
import { scene, type Scene } from './support.ts';

vi.setConfig({ testTimeout: 1_200_000 });

const fixture = path.join(import.meta.dirname, 'fixtures/sync.ts');

/** A mirror with one commit, and a remote with a second one. */
async function sceneWithNews(): Promise<Scene & { news: string; reset(): void }> {
  const at = await scene();
  await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' });
  const template = path.join(at.directory, 'template');
  fs.cpSync(at.mirror.directory, template, { recursive: true });
  const reset = (): void => {
    fs.rmSync(at.mirror.directory, { recursive: true });
    fs.cpSync(template, at.mirror.directory, { recursive: true });
  };
  return { ...at, news: await at.remote.commit({ modules: { other: { 'index.json': '{}' } } }), reset };
}

await describeUnderSupervision('a machine that refuses one call of a fetch', () => {
  it.each<FaultMode>(['ENOSPC', 'EROFS', 'EMFILE'])(
    '(%s) is not taken for damage: the mirror stays, and is brought up to date by the next sync',
    async (mode) => {
      const at = await sceneWithNews();
      const run = [process.execPath, fixture, at.mirror.directory, at.remote.url] as const;
      const options = { under: [path.dirname(at.mirror.directory)], mode };
      const { calls } = await countCalls(run, options);
      const refused: string[] = [];
      const points = faultPoints(calls.length, 12);
      for (const n of points) {
        at.reset();
        const { ino } = fs.statSync(at.mirror.directory);
        const { exitCode, firedAt, stderr } = await killAtCall(run, n, options);
        expect([firedAt, fs.statSync(at.mirror.directory).ino, stderr]).toEqual([firedAt, ino, stderr]);
        if (exitCode !== 0) refused.push(stderr);
        else expect([firedAt, await findGap(at.mirror, at.news)]).toEqual([firedAt, undefined]);
        expect((await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' })).commit).toBe(at.news);
      }
      // Git goes on where it can do without, and we look twice before we believe in damage.
      expect(refused.length).toBeGreaterThan(points.length / 10);
      for (const words of refused) expect(words).toMatch(/^cannot [^\n]*\n$/);
      expect(at.said).toEqual([]);
    },
  );
});
