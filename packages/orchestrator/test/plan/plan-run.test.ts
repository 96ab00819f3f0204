import fs from 'node:fs';
import path from 'node:path';
import { describeTree, file, link } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { planRun, setModuleEnabled, type RunPlan } from '../../src/index.ts';
import type { UpdateOptions } from '../../src/update-options.ts';
import { broken, home, module, quiet, scene, type Scene } from '../support.ts';

const plan = (here: Scene, options: UpdateOptions = {}): Promise<RunPlan> =>
  planRun(here.server, { repository: { url: here.repository.url, branch: 'main' }, ...options });

/** Everything but the mirror and the lock's note. */
const treeOf = (here: Scene): string[] =>
  describeTree(here.root).filter((line) => !/^\.\/(state\/(repo|lock)|backups\/lock|remote|state )/.test(line));

/** A hotfix module that puts `text` at `destination`. */
function pools(version: string, destination: string, text: string) {
  const pool = { id: 'motd', operations: [{ target: 'motd', destination }], closure: ['true'] };
  const index = { metadata: { schema_version: version }, pools: [pool], finalClosure: [] };
  return {
    'index.json': JSON.stringify(index),
    'index.ts': `import { HotfixManager, toModuleResult } from '@homeserver/hotfix-pools';
export async function main(_: string[], { state, stateDir, log }: any) {
  const hotfixes = new HotfixManager(import.meta.dirname, { state, stateDir, logger: log });
  return toModuleResult((await hotfixes.applyHotfixes()).report);
}\n`,
    src: { motd: text },
  };
}

describe('a plan', () => {
  it('shows each file of a module that would be replaced: text as a diff, the rest by size, modes too', async () => {
    const here = await scene();
    const shared = {
      kept: 'same',
      'run.sh': file('x\n', 0o644),
      'data.bin': Uint8Array.of(0, 1),
      gone: 'bye\n',
      to: link('kept'),
    };
    await here.publish({ web: { ...module('1.0.0'), ...shared } });
    await here.cycle();
    await here.repository.remove('modules/web/gone');
    await here.publish({
      web: {
        ...module('1.1.0'),
        'run.sh': file('x\n', 0o755),
        'data.bin': Uint8Array.of(0, 1, 2),
        to: link('run.sh'),
        src: { new: 'hi\n' },
      },
    });
    const { updates, wouldChange } = await plan(here);
    expect(wouldChange).toBe(true);
    expect(updates).toMatchObject([{ name: 'web', from: '1.0.0', to: '1.1.0' }]);
    expect(updates[0]?.files).toEqual([
      { path: 'data.bin', change: 'changed', diff: 'data.bin: binary, 2 bytes -> 3 bytes\n' },
      { path: 'gone', change: 'removed', diff: '--- gone\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-bye\n' },
      { path: 'index.json', change: 'changed', diff: expect.stringMatching(/\n-.*1\.0\.0.*\n.*\n\+.*1\.1\.0.*\n/) },
      { path: 'run.sh', change: 'changed', mode: '644 -> 755' },
      { path: 'src/new', change: 'added', diff: '--- /dev/null\n+++ src/new\n@@ -0,0 +1,1 @@\n+hi\n' },
      { path: 'to', change: 'changed', diff: expect.stringContaining('\n-kept\n') },
    ]);
  });

  it('says which modules would run, in their order, as they would be after the replacement', async () => {
    const here = await scene();
    await here.publish({
      a: module('1.0.0', quiet, { priority: 90 }),
      b: module('1.0.0'),
      off: module('1.0.0', quiet, { enabled: false }),
      c: module('1.0.0'),
    });
    await here.cycle();
    await setModuleEnabled(here.server, 'c', false);
    await here.publish({
      a: module('2.0.0', quiet, { priority: 'critical' }),
      d: module('1.0.0', quiet, { dependencies: ['b'] }, 'index.js'),
    });
    const { runs, unusable } = await plan(here);
    expect(runs.map(({ name, version, opaque }) => [name, version, opaque])).toEqual([
      ['a', '2.0.0', 'main() of index.mjs'],
      ['b', '1.0.0', 'main() of index.mjs'],
      ['d', '1.0.0', 'main() of index.js'],
    ]);
    expect(unusable).toEqual([]);
    const { outcomes } = await here.cycle();
    expect(outcomes.map(({ name, version }) => [name, version])).toEqual(
      runs.map(({ name, version }) => [name, version]),
    );
  });

  it('marks what would be skipped, as the run then does', async () => {
    const here = await scene();
    await here.publish({
      a: module('1.0.0', quiet, { dependencies: ['nobody'] }),
      b: module('1.0.0', quiet, { dependencies: ['a'] }),
      c: module('1.0.0', quiet, { dependencies: ['d'] }),
      d: module('1.0.0'),
    });
    const { runs } = await plan(here);
    const skipped = runs.map(({ name, skipped: why }) => [name, why]);
    expect(skipped).toEqual([
      ['a', 'it depends on nobody, which is not installed and enabled here'],
      ['b', 'it depends on a, which was skipped'],
      ['d', undefined],
      ['c', undefined],
    ]);
    const { outcomes } = await here.cycle();
    expect(outcomes.map(({ name, error }) => [name, error])).toEqual(skipped);
  });

  it('shows what a new hotfix version would apply, with the diff at the destination, and then nothing', async () => {
    const here = await scene();
    const motd = path.join(here.root, 'motd');
    fs.writeFileSync(motd, 'old\n');
    await here.publish({ hotfix: pools('1.0.0', motd, 'new\n') });
    const before = await plan(here);
    expect(before.runs).toMatchObject([
      {
        name: 'hotfix',
        hotfixes: {
          kind: 'pools',
          pools: [{ id: 'motd', skip: 'dry-run', destinations: [{ diff: expect.stringContaining('-old\n+new\n') }] }],
        },
      },
    ]);
    expect(fs.readFileSync(motd, 'utf8')).toBe('old\n');
    await here.cycle();
    expect(fs.readFileSync(motd, 'utf8')).toBe('new\n');
    const after = await plan(here);
    expect([after.wouldChange, after.runs[0]?.hotfixes]).toMatchObject([false, { pools: [{ skip: 'up-to-date' }] }]);
    await here.publish({
      hotfix: {
        ...pools('1.1.0', motd, 'new\n'),
        src: {},
        'index.json': JSON.stringify({ metadata: { schema_version: '1.1.0' }, pools: 'none' }),
      },
    });
    expect((await plan(here)).runs[0]?.problem).toMatch(/modules\/hotfix\/index\.json: pools/);
  });

  it('changes nothing but the mirror, and says so of a server that is up to date', async () => {
    const here = await scene();
    await here.publish({ web: module('1.0.0'), mail: module('1.0.0') });
    await here.cycle();
    expect((await plan(here)).wouldChange).toBe(false);
    await here.publish({ web: module('2.0.0') });
    const before = treeOf(here);
    expect((await plan(here)).wouldChange).toBe(true);
    expect(treeOf(here)).toEqual(before);
  });

  it('heeds the options of a run: one phase, some modules, what failed before', async () => {
    const here = await scene();
    await here.publish({ web: module('1.0.0'), mail: module('1.0.0') });
    await here.cycle();
    await here.publish({ web: module('2.0.0', broken), mail: module('2.0.0') });
    expect((await plan(here, { modules: ['mail'] })).updates.map(({ name }) => name)).toEqual(['mail']);
    expect((await plan(here, { modules: ['mail'] })).runs.map(({ name }) => name)).toEqual(['mail']);
    expect((await plan(here, { only: 'replace' })).runs).toEqual([]);
    expect(await planRun(here.server, { only: 'run' })).toMatchObject({
      updates: [],
      runs: [{ version: '1.0.0' }, { version: '1.0.0' }],
    });
    await here.cycle();
    expect((await plan(here)).updates).toEqual([]);
    expect((await plan(here, { retry: true })).updates).toMatchObject([{ name: 'web', to: '2.0.0' }]);
  });

  it('names what could not be replaced, and plans the rest', async () => {
    const here = await scene();
    await here.publish({ web: module('1.0.0'), bad: { ...module('1.0.0'), out: link('../../../etc/passwd') } });
    const { updates, notices, runs } = await plan(here);
    expect([updates, runs].map((list) => list.map(({ name }) => name))).toEqual([['web'], ['web']]);
    expect(notices).toMatchObject([
      { name: 'bad', kind: 'problem', text: expect.stringContaining('would not be replaced: ') },
    ]);
    const { notReplaced, replaced } = await here.cycle();
    expect([notReplaced, replaced].map((list) => list.map(({ name }) => name))).toEqual([['bad'], ['web']]);
  });

  it('of a server on which nothing is yet is the first installation', async () => {
    const here = await scene();
    await here.publish({ web: module('1.0.0') });
    expect((await plan(here)).updates).toMatchObject([
      { name: 'web', from: undefined, files: [{ change: 'added' }, { change: 'added' }] },
    ]);
    expect(fs.existsSync(here.server.paths.modulesPath)).toBe(false);
  });

  it('needs a repository', async () => {
    await expect(planRun(home().server, {})).rejects.toThrow(/no repository is set/);
  });
});
