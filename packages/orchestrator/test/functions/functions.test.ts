import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  compareSchemaVersions,
  detectModuleUpdates,
  hold,
  loadModuleIndex,
  readRunRecords,
  runUpdate,
  runUpdatesAsync,
  setModuleSetting,
  syncFromRepo,
  updateModules,
  type ScriptOptions,
  type SyncedRepo,
} from '../../src/index.ts';
import { broken, globalIndex, links, main, module, quiet, refusal, scene, type Scene } from '../support.ts';

interface ScriptScene extends Scene {
  local: string;
  places: Pick<ScriptOptions, 'stateDir' | 'backupDir'>;
  sync(): Promise<SyncedRepo>;
}

async function scriptScene(): Promise<ScriptScene> {
  const here = await scene();
  const { modulesPath: local, stateDir, backupDir, localRepo } = here.server.paths;
  const places = { stateDir, backupDir };
  return { ...here, local, places, sync: () => syncFromRepo(here.repository.url, localRepo, 'main', places) };
}

const names = (found: readonly { name: string }[]): string[] => found.map(({ name }) => name);

describe('loadModuleIndex', () => {
  it('reads the index of a directory, or the file itself, with its defaults', async () => {
    const here = await scriptScene();
    await here.publish({ web: module('1.2.0', quiet, { name: 'web', priority: 'critical' }) });
    await here.cycle();
    for (const place of [here.at('web'), here.at('web', 'index.json')])
      expect(loadModuleIndex(place)).toMatchObject({
        schemaVersion: '1.2.0',
        enabled: true,
        priority: 0,
        dependencies: [],
      });
  });

  it('names the file, and what is wrong', async () => {
    const { root } = await scriptScene();
    expect(() => loadModuleIndex(root)).toThrow(refusal('usage', /index\.json: is missing/));
    fs.writeFileSync(path.join(root, 'index.json'), '{"metadata": {"schema_version": "1"}}');
    expect(() => loadModuleIndex(root)).toThrow(
      refusal('usage', /index\.json: metadata\.schema_version: must be a version/),
    );
  });
});

it('compareSchemaVersions compares as strict semver, and refuses anything else', () => {
  const found = [
    ['1.0.0', '1.0.1'],
    ['1.10.0', '1.9.0'],
    ['2.0.0', '2.0.0'],
    ['1.0.0-rc.1', '1.0.0'],
  ].map(([a, b]) => compareSchemaVersions(a ?? '', b ?? ''));
  expect(found).toEqual([-1, 1, 0, -1]);
  expect(() => compareSchemaVersions('v1', '1.0.0')).toThrow(refusal('usage', /"v1" is not a strict semantic version/));
});

describe('syncFromRepo, detectModuleUpdates and updateModules', () => {
  it('bring modules onto a server, each in one step, and keep the global index', async () => {
    const here = await scriptScene();
    await here.publish({ web: module('1.0.0'), mail: module('1.0.0') });
    const first = await here.sync();
    expect(first).toMatchObject({ branch: 'main', fetched: true, commit: expect.stringMatching(/^[0-9a-f]{40}$/) });
    expect(names(await detectModuleUpdates(here.local, first, here.places))).toEqual(['mail', 'web']);
    expect(fs.existsSync(here.local)).toBe(false);
    expect(await updateModules(['web'], here.local, first, here.places)).toMatchObject({
      replaced: [{ name: 'web' }],
      failed: [],
    });
    expect(links(here)).toEqual(['web 1.0.0']);
    await here.publish({ web: module('1.1.0') });
    const second = await here.sync();
    const updates = await detectModuleUpdates(here.local, second.path, here.places);
    expect(updates.map(({ name, fromVersion, toVersion }) => [name, fromVersion, toVersion])).toEqual([
      ['mail', undefined, '1.0.0'],
      ['web', '1.0.0', '1.1.0'],
    ]);
    await updateModules(updates, here.local, second, here.places);
    expect(globalIndex(here).packages).toEqual({ mail: '1.0.0', web: '1.1.0' });
    expect(await detectModuleUpdates(here.local, second, here.places)).toEqual([]);
    expect(await updateModules(['web'], here.local, second, here.places)).toEqual({ replaced: [], failed: [] });
  });

  it('leave alone what is held', async () => {
    const here = await scriptScene();
    await here.publish({ web: module('1.0.0') });
    await here.cycle();
    await hold(here.server, 'web');
    await here.publish({ web: module('2.0.0') });
    expect(await detectModuleUpdates(here.local, await here.sync(), here.places)).toEqual([]);
  });

  it('use no commit that was not accepted, and know when nothing was synced', async () => {
    const here = await scriptScene();
    const { localRepo } = here.server.paths;
    await expect(detectModuleUpdates(here.local, localRepo, here.places)).rejects.toThrow(
      refusal('usage', /nothing was synced/),
    );
    await here.publish({ web: module('1.0.0') });
    const repo = await here.sync();
    const other = { ...repo, commit: '1'.repeat(40) };
    await expect(updateModules(['web'], here.local, other, here.places)).rejects.toThrow(
      refusal('untrusted', /is not the last one accepted/),
    );
    await expect(updateModules(['wbe'], here.local, repo, here.places)).rejects.toThrow(
      refusal('usage', /there is no module "wbe"/),
    );
    await here.repository.git('checkout', '-q', '--orphan', 'rewound');
    await here.publish({ web: module('3.0.0') });
    await here.repository.git('branch', '-M', 'main');
    await expect(here.sync()).rejects.toThrow(refusal('untrusted', /does not descend/));
    expect(await detectModuleUpdates(here.local, repo.path, here.places)).toMatchObject([{ toVersion: '1.0.0' }]);
  });
});

describe('runUpdate and runUpdatesAsync', () => {
  const report =
    'return { success: true, error: undefined, changed: args[0] === "--go" && context.config.depth === 2 };';

  it('run a module apart, with arguments and the settings of the owner, and have it in the history', async () => {
    const here = await scriptScene();
    await here.publish({ web: module('1.0.0', main(report)) });
    await here.cycle({ only: 'replace' });
    await setModuleSetting(here.server, 'web', 'depth', 2);
    expect(await runUpdate(here.at('web'), ['--go'], here.places)).toMatchObject({
      name: 'web',
      version: '1.0.0',
      status: 'succeeded',
      changed: true,
    });
    expect(fs.existsSync(path.join(here.local, 'state/web'))).toBe(true);
    expect(readRunRecords(here.server.paths, 1)).toMatchObject([{ modules: [{ name: 'web', status: 'succeeded' }] }]);
  });

  it('undo what the guards of a failed module changed', async () => {
    const here = await scriptScene();
    const file = path.join(here.root, 'file');
    fs.writeFileSync(file, 'old');
    const body = `await context.state.guard('web', { files: ['${file}'] }, async () => fs.writeFileSync('${file}', 'new')); process.exit(0);`;
    await here.publish({ web: module('1.0.0', main(body)) });
    await here.cycle({ only: 'replace' });
    expect(await runUpdate(here.at('web'), [], here.places)).toMatchObject({
      status: 'failed',
      rolledBack: { from: '1.0.0' },
    });
    expect([fs.readFileSync(file, 'utf8'), links(here)]).toEqual(['old', []]);
  });

  it('run any directory that is a module, for the server folder that is named', async () => {
    const here = await scriptScene();
    const own = path.join(here.root, 'own');
    fs.mkdirSync(own);
    for (const [name, text] of Object.entries(module('0.1.0', quiet)))
      fs.writeFileSync(path.join(own, name), text as string);
    expect(await runUpdate(own, [], { ...here.places, modulesPath: here.local })).toMatchObject({
      name: 'own',
      version: '0.1.0',
      status: 'succeeded',
    });
    await expect(runUpdate(`${own}x`, [], here.places)).rejects.toThrow(
      refusal('usage', /there is no module directory .*ownx/),
    );
  });

  it('do not take another directory for the version that is still to be proven', async () => {
    const here = await scriptScene();
    await here.publish({ web: module('1.0.0') });
    await here.cycle({ only: 'replace' });
    const copy = path.join(here.root, 'web');
    fs.cpSync(fs.realpathSync(here.at('web')), copy, { recursive: true });
    await expect(runUpdate(copy, [], { ...here.places, modulesPath: here.local })).rejects.toThrow(
      refusal('usage', /a new version of web is installed/),
    );
  });

  it('run side by side, each outcome in the place of its module; one that fails stops no other', async () => {
    const here = await scriptScene();
    const meeting = (own: string, other: string): string =>
      main(`
      fs.writeFileSync('${here.root}/${own}', '');
      const deadline = Date.now() + 20000;
      while (!fs.existsSync('${here.root}/${other}')) {
        if (Date.now() > deadline) throw new Error('the other one never ran');
        await new Promise((go) => setTimeout(go, 5));
      }
      return { success: true };`);
    await here.publish({
      one: module('1.0.0', meeting('a', 'b')),
      two: module('1.0.0', meeting('b', 'a')),
      bad: module('1.0.0', broken),
    });
    await here.cycle({ only: 'replace' });
    const outcomes = await runUpdatesAsync(
      ['two', 'bad', 'one'].map((name) => here.at(name)),
      { ...here.places, jobs: 3 },
    );
    expect(outcomes.map(({ name, status }) => [name, status])).toEqual([
      ['two', 'succeeded'],
      ['bad', 'failed'],
      ['one', 'succeeded'],
    ]);
    expect(await runUpdatesAsync([])).toEqual([]);
  });
});
