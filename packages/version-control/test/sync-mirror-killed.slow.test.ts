import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { childEnvironment, endRunProcesses, runCommand, RUN_MARKER } from '@homeserver/system';
import { stageTree, syncMirror, treeIdOf } from '../src/index.ts';
import { scene } from './support.ts';

const ROUNDS = 24;
const fixture = path.join(import.meta.dirname, 'fixtures/sync.ts');

it('a sync that was killed at any moment is made good by the next one', async () => {
  const { directory, remote, mirror } = await scene();
  for (let round = 0; round < ROUNDS; round++) {
    if (round % 6 === 5) fs.rmSync(path.join(mirror.directory, 'HEAD'), { force: true }); // So that the swap is killed too.
    const commit = await remote.commit({ modules: { m: { round: String(round) } } });
    const run = `test-${process.pid}-${round}`;
    const stop = new AbortController();
    const running = runCommand([process.execPath, fixture, mirror.directory, remote.url], {
      env: childEnvironment({ [RUN_MARKER]: run }),
      signal: stop.signal,
      killGraceMs: 0,
    });
    await sleep(80 + (round * 220) / ROUNDS);
    stop.abort();
    await running;
    await endRunProcesses(run); // As recovery does: git may outlive us.
    expect((await syncMirror(mirror, { url: remote.url, branch: 'main' })).commit).toBe(commit);
    const tree = await remote.git('rev-parse', `${commit}:modules`);
    await stageTree(mirror, tree, path.join(directory, `staged-${round}`));
    expect(treeIdOf(path.join(directory, `staged-${round}`))).toBe(tree);
    expect(fs.readdirSync(path.dirname(mirror.directory))).toEqual(['repo']);
  }
}, 120_000);
