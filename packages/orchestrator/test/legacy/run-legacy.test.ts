import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readRunRecords } from '../../src/index.ts';
import { runLegacy } from '../../src/legacy/run-legacy.ts';
import { setModuleEnabled, setModuleSetting } from '../../src/owner-settings.ts';
import { refusal } from '../support.ts';
import { legacyHome, succeed, type LegacyHome } from './legacy-home.ts';

const statuses = async (here: LegacyHome): Promise<Record<string, string>> =>
  Object.fromEntries((await runLegacy(here.server)).outcomes.map(({ name, status }) => [name, status]));

describe('legacy mode', () => {
  it('runs the entrypoint and its children in order, nested ones in their place, each once', async () => {
    const here = legacyHome();
    here.modules({ a: succeed, b: succeed, c: succeed, d: succeed });
    here.manifest(
      { name: 'all_services', children: ['b', here.update('a', { children: ['d', 'b'] }), 'c'] },
      here.update('c'),
      here.update('d'),
      here.update('b'),
    );
    expect(await statuses(here)).toEqual({ a: 'succeeded', b: 'succeeded', c: 'succeeded', d: 'succeeded' });
    expect(here.noted()).toEqual(['b', 'a', 'd', 'c']);
  });

  it('notes lastApplied of what succeeded, and keeps everything else in the manifest as it was', async () => {
    const here = legacyHome();
    here.modules({ a: succeed, b: "return { success: false, error: 'no' };", c: succeed });
    here.manifest(
      { name: 'all', children: ['b', here.update('a', { colour: 'red' }), 'c'] },
      here.update('b'),
      here.update('c'),
    );
    const before = fs.readFileSync(here.file, 'utf8');
    const began = Math.floor(Date.now() / 1000);
    expect(await statuses(here)).toEqual({ b: 'failed', a: 'succeeded', c: 'succeeded' });
    const after = fs.readFileSync(here.file, 'utf8');
    expect(after.replaceAll(/"lastApplied": \d+/g, '"lastApplied": null')).toBe(before);
    const applied = [...after.matchAll(/"lastApplied": (\d+)/g)].map(([, at]) => Number(at));
    expect(applied).toHaveLength(2);
    for (const at of applied) expect(at).toBeGreaterThanOrEqual(began);
  });

  it('gives a module its args, its state directory and the settings of the owner', async () => {
    const here = legacyHome();
    here.modules({
      a: 'await note([...args, context.config.depth, fs.existsSync(context.stateDir)].join()); return { success: true };',
    });
    here.manifest(
      here.update('first', { module: 'a', args: ['--fast', 'x'], children: ['second'] }),
      here.update('second', { module: 'a' }),
    );
    await setModuleSetting(here.server, 'a', 'depth', 3);
    expect(await statuses(here)).toEqual({ first: 'succeeded', second: 'succeeded' });
    expect(here.noted()).toEqual(['--fast,x,3,true', '3,true']);
  });

  it('runs nothing whose directory does not match its checksum, says so, and goes on', async () => {
    const here = legacyHome();
    here.modules({ a: succeed, b: succeed, c: succeed });
    here.manifest(
      { name: 'all', children: ['a', 'b', 'c', 'gone'] },
      here.update('a'),
      here.update('b', { checksum: '' }),
      here.update('c'),
      { name: 'gone', checksum: `sha256:${'0'.repeat(64)}` },
    );
    fs.appendFileSync(here.at('a', 'index.mjs'), '\n');
    const { outcomes } = await runLegacy(here.server);
    expect(outcomes.map(({ name, status, error }) => [name, status, error])).toEqual([
      ['a', 'failed', expect.stringMatching(/^its checksum is sha256:[0-9a-f]{64}, and manifest\.json says sha256:/)],
      ['b', 'failed', 'manifest.json has no checksum for it'],
      ['c', 'succeeded', undefined],
      ['gone', 'failed', 'modules/gone does not exist'],
    ]);
    expect(here.noted()).toEqual(['c']);
  });

  it('leaves out what is switched off, in the manifest or by the owner, with its children', async () => {
    const here = legacyHome();
    here.modules({ a: succeed, b: succeed, c: succeed, d: succeed });
    here.manifest(
      { name: 'all', children: ['a', 'b', 'd'] },
      here.update('a', { enabled: false, children: ['c'] }),
      here.update('b'),
      here.update('c'),
      here.update('d', { enabled: false }),
    );
    await setModuleEnabled(here.server, 'b', false);
    await setModuleEnabled(here.server, 'd', true);
    expect(await statuses(here)).toEqual({ d: 'succeeded' });
  });

  it('undoes what the guards of a failed module changed, in the same hosts as every run', async () => {
    const here = legacyHome();
    here.modules({ a: "await note('a'); process.exit(0);", b: succeed });
    here.manifest({ name: 'all', children: ['a', 'b'] }, here.update('a'), here.update('b'));
    expect(await statuses(here)).toEqual({ a: 'failed', b: 'succeeded' });
    expect(here.noted()).toEqual(['b']);
  });

  it('takes a module without an index.json: the manifest has what is needed', async () => {
    const here = legacyHome();
    here.modules({ a: succeed });
    fs.rmSync(here.at('a', 'index.json'));
    here.manifest(here.update('a'));
    expect(await statuses(here)).toEqual({ a: 'succeeded' });
  });

  it('has its place in the history, and puts updateManager.sh there', async () => {
    const here = legacyHome();
    here.modules({ a: succeed });
    here.manifest(here.update('a'));
    await runLegacy(here.server);
    expect(readRunRecords(here.server.paths, 1)).toMatchObject([{ mode: 'legacy', modules: [{ name: 'a' }] }]);
    expect(fs.statSync(here.server.paths.updateManager).mode & 0o111).toBe(0o111);
    expect(here.said.at(-1)).toBe('info:   - Successfully executed: 1');
  });

  it.each<[string, (here: LegacyHome) => void, RegExp]>([
    ['without a manifest', () => {}, /manifest\.json: it does not exist/],
    ['with one that is no JSON', (here) => fs.writeFileSync(here.file, '{'), /is not valid JSON/],
    [
      'with an entrypoint that is not there',
      (here) => fs.writeFileSync(here.file, '{"updates": [], "entrypoint": "all"}'),
      /the entrypoint "all" is not among/,
    ],
    [
      'with a child that is not there',
      (here) => here.manifest({ name: 'all', children: ['a', 'x'] }, { name: 'a' }),
      /all has the child "x"/,
    ],
    [
      'with a circle',
      (here) =>
        here.manifest({ name: 'all', children: ['a'] }, { name: 'a', children: ['b'] }, { name: 'b', children: ['a'] }),
      /form a circle: a → b → a$/,
    ],
    ['with one below itself', (here) => here.manifest({ name: 'all', children: ['all'] }), /form a circle: all → all$/],
    [
      'with a name that leaves the directory',
      (here) => here.manifest({ name: 'all', module: '../x' }),
      /updates\.0\.module: must be lower-case/,
    ],
    [
      'with another kind of checksum',
      (here) => here.manifest({ name: 'all', checksum: 'md5:1' }),
      /updates\.0\.checksum: must be "sha256:"/,
    ],
    [
      'with an update that has no name',
      (here) => fs.writeFileSync(here.file, '{"updates": [{}], "entrypoint": "all"}'),
      /updates\.0\.name: is missing/,
    ],
    ['with a name twice', (here) => here.manifest({ name: 'all' }, { name: 'all' }), /all is there twice/],
  ])('%s runs nothing and says why', async (_, prepare, words) => {
    const here = legacyHome();
    here.modules({ a: succeed });
    prepare(here);
    await expect(runLegacy(here.server)).rejects.toThrow(refusal('usage', words));
    expect(here.noted()).toEqual([]);
    expect(readRunRecords(here.server.paths, 1)).toMatchObject([{ mode: 'legacy', outcome: 'refused', modules: [] }]);
  });
});
