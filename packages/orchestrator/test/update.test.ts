import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeTree } from '@homeserver/test-support';
import { checkForUpdates, findRunRecord, readRunRecords, recover, update } from '../src/index.ts';
import { readModuleRecords } from '../src/records/module-records.ts';
import { broken, globalIndex, home, links, main, module, quiet, refusal, scene, type Scene } from './support.ts';

/** All of the server folder but what each run adds or tells: the log of runs, the lock's holder. */
function serverTree({ server }: Scene): string[] {
  const { modulesPath, stateDir, backupDir } = server.paths;
  return [modulesPath, stateDir, backupDir].flatMap((directory) =>
    describeTree(directory).filter((line) => !/^\.\/(runs|lock|repo)[ /]|^\. /.test(line)),
  );
}

describe('a cycle', () => {
  it('installs all modules and runs them; a second one changes nothing', async () => {
    const here = await scene();
    await here.publish({
      web: module('1.0.0'),
      mail: module('2.0.0'),
      off: module('1.0.0', broken, { enabled: false }),
    });
    const first = await here.cycle();
    expect(first.replaced.map(({ name }) => name)).toEqual(['mail', 'off', 'web']);
    expect(first.outcomes.map(({ name, status }) => [name, status])).toEqual([
      ['mail', 'succeeded'],
      ['web', 'succeeded'],
    ]);
    expect(globalIndex(here).packages).toEqual({ mail: '2.0.0', off: '1.0.0', web: '1.0.0' });
    const before = serverTree(here);
    const second = await here.cycle();
    expect([second.updates, second.replaced, second.outcomes.length]).toEqual([[], [], 2]);
    expect(serverTree(here)).toEqual(before);
  });

  it('replaces exactly the modules with a higher version, and runs all of them', async () => {
    const here = await scene();
    const names = ['a', 'b', 'c', 'd', 'e'];
    await here.publish(Object.fromEntries(names.map((name) => [name, module('1.0.0')])));
    await here.cycle();
    const before = new Map(names.map((name) => [name, fs.statSync(here.at(`${name}/`)).ino]));
    await here.publish({ b: module('1.0.1'), d: module('2.0.0'), e: module('1.0.0', `${quiet}// changed`) });
    const { replaced, outcomes, notices } = await here.cycle();
    expect(replaced.map(({ name, fromVersion, toVersion }) => [name, fromVersion, toVersion])).toEqual([
      ['b', '1.0.0', '1.0.1'],
      ['d', '1.0.0', '2.0.0'],
    ]);
    expect(outcomes.map(({ name }) => name)).toEqual(names);
    expect(notices.map(({ name, kind }) => [name, kind])).toEqual([['e', 'same-version']]);
    for (const name of ['a', 'c', 'e']) expect(fs.statSync(here.at(`${name}/`)).ino).toBe(before.get(name));
  });

  it('says what it does in the words of the specification', async () => {
    const here = await scene();
    await here.publish({ adblock: module('1.0.0') });
    await here.cycle();
    await here.publish({ adblock: module('1.1.0', quiet, { colour: 'red' }), vaultwarden: module('1.0.0') });
    here.said.length = 0;
    await here.cycle();
    expect(here.said.filter((line) => !line.startsWith('debug: '))).toEqual([
      'info: Starting schema-based update orchestration',
      `info: Repository: ${here.repository.url}`,
      expect.stringMatching(/^info: Fetched \d+ objects, \d[\d.]* (bytes|KiB)$/),
      'info: Schema updates needed: 2 modules, orchestrator: False',
      'info: Module adblock needs update: 1.0.0 → 1.1.0',
      'warn: modules/adblock/index.json: metadata.colour: is not known here; it is kept',
      'info: Module vaultwarden needs update: not installed → 1.0.0',
      'info: Updated module adblock',
      'info: Updated module vaultwarden',
      'info: Getting enabled modules...',
      'info: Found enabled module: adblock',
      'info: Found enabled module: vaultwarden',
      'info: Total enabled modules: 2',
      'info: Running 2 enabled modules...',
      'info: Executing module: adblock',
      "info: ✓ Module 'adblock' executed successfully",
      'info: Executing module: vaultwarden',
      "info: ✓ Module 'vaultwarden' executed successfully",
      'info: Module execution completed: 2 successful, 0 failed',
      'info: Update orchestration completed:',
      'info:   - Schema updates detected: 2',
      'info:   - Successfully schema updated: 2',
      'info:   - Enabled modules found: 2',
      'info:   - Successfully executed: 2',
    ]);
  });

  it('goes on past a module that cannot be read, and past one that left the repository', async () => {
    const here = await scene();
    await here.publish({ gone: module('1.0.0'), web: module('1.0.0') });
    await here.cycle();
    await here.repository.remove('modules/gone');
    await here.publish({ web: { 'index.json': '{' }, mail: module('1.0.0') });
    const { notices, replaced, outcomes } = await here.cycle();
    expect(notices.map(({ name, kind }) => [name, kind])).toEqual([
      ['web', 'problem'],
      ['gone', 'orphaned'],
    ]);
    expect(replaced.map(({ name }) => name)).toEqual(['mail']);
    expect(outcomes.map(({ name, status }) => [name, status])).toEqual([
      ['gone', 'succeeded'],
      ['mail', 'succeeded'],
      ['web', 'succeeded'],
    ]);
    expect(links(here)).toEqual(['gone 1.0.0', 'mail 1.0.0', 'web 1.0.0']);
  });

  it('may be one phase alone', async () => {
    const here = await scene();
    await here.publish({ web: module('1.0.0') });
    const replaced = await here.cycle({ only: 'replace' });
    expect([replaced.replaced.length, replaced.ranModules, replaced.outcomes]).toEqual([1, false, []]);
    await here.publish({ web: module('2.0.0') });
    const ran = await update(here.server, { only: 'run' });
    expect([ran.commit, ran.replaced, ran.outcomes.map(({ version }) => version)]).toEqual([undefined, [], ['1.0.0']]);
  });

  it('may be for some modules alone', async () => {
    const here = await scene();
    await here.publish({ a: module('1.0.0'), b: module('1.0.0') });
    const { replaced, outcomes } = await here.cycle({ modules: ['b'] });
    expect([replaced, outcomes].map((list) => list.map(({ name }) => name))).toEqual([['b'], ['b']]);
    expect(links(here)).toEqual(['b 1.0.0']);
    const one = await here.cycle({ modules: ['b'], only: 'run' });
    expect(one.outcomes.map(({ name }) => name)).toEqual(['b']);
  });

  it('is kept in the history', async () => {
    const here = await scene();
    const commit = await here.publish({ web: module('1.0.0') });
    const { id } = await here.cycle();
    const [record] = readRunRecords(here.server.paths, 10);
    expect(record).toMatchObject({ id, commit, outcome: 'ok', updated: [{ name: 'web', from: null, to: '1.0.0' }] });
    expect(findRunRecord(here.server.paths, id)).toEqual(record);
  });
});

describe('a version that fails', () => {
  it('is taken back, withheld in the next cycle, tried again when asked, and forgotten for another one', async () => {
    const here = await scene();
    await here.publish({ web: module('1.0.0') });
    await here.cycle();
    await here.publish({ web: module('2.0.0', broken) });
    const failing = await here.cycle();
    expect(failing.outcomes).toEqual([
      expect.objectContaining({
        name: 'web',
        version: '2.0.0',
        status: 'failed',
        error: 'it is broken',
        rolledBack: { from: '2.0.0', to: '1.0.0' },
      }),
    ]);
    expect(links(here)).toEqual(['web 1.0.0']);

    const next = await here.cycle();
    expect([next.replaced, next.notices.map(({ kind }) => kind)]).toEqual([[], ['withheld']]);
    expect(next.outcomes[0]).toMatchObject({ version: '1.0.0', status: 'succeeded' });

    await here.cycle({ retry: true });
    const { web } = readModuleRecords(here.server.paths.moduleRecords);
    expect(web?.failed).toEqual([expect.objectContaining({ version: '2.0.0', failures: 2, error: 'it is broken' })]);

    await here.publish({ web: module('2.0.1') });
    expect((await here.cycle()).replaced).toHaveLength(1);
    expect(links(here)).toEqual(['web 2.0.1', 'web.backup 1.0.0']);
  });

  it('in its first installation is gone again, with its index entry', async () => {
    const here = await scene();
    await here.publish({ web: module('1.0.0', broken) });
    const { outcomes } = await here.cycle();
    expect(outcomes[0]).toMatchObject({ status: 'failed', rolledBack: { from: '1.0.0', to: undefined } });
    expect([links(here), globalIndex(here).packages]).toEqual([[], {}]);
    expect((await here.cycle()).notices).toMatchObject([{ kind: 'withheld' }]);
  });
});

describe('a cycle that ends early changes nothing of what is installed', () => {
  it.each<[string, (here: Scene) => Parameters<Scene['cycle']>[0], Error]>([
    [
      'no repository is set',
      () => ({ repository: { url: '', branch: 'main' } }),
      refusal('usage', /^no repository is set$/),
    ],
    [
      'it is not there',
      ({ root }) => ({ repository: { url: `file://${root}/gone`, branch: 'main' } }),
      refusal('unreachable'),
    ],
    [
      'the branch is not there',
      ({ repository }) => ({ repository: { url: repository.url, branch: 'gone' } }),
      refusal('unreachable'),
    ],
    [
      'the branch is no name',
      ({ repository }) => ({ repository: { url: repository.url, branch: '--upload-pack=x' } }),
      refusal('usage'),
    ],
    [
      'the URL is not allowed',
      () => ({ repository: { url: 'ext::sh -c true', branch: 'main' } }),
      refusal('untrusted'),
    ],
    ['a module was mistyped', () => ({ modules: ['web', 'wbe'] }), refusal('usage', /^there is no module "wbe"$/)],
    [
      'a module to be run was mistyped',
      () => ({ modules: ['wbe'], only: 'run' }),
      refusal('usage', /^there is no module "wbe"$/),
    ],
  ])('when %s', async (_, options, error) => {
    const here = await scene();
    await here.publish({ web: module('1.0.0') });
    await here.cycle();
    await here.publish({ web: module('2.0.0') });
    const before = serverTree(here);
    await expect(here.cycle(options(here))).rejects.toThrow(error);
    expect(serverTree(here)).toEqual(before);
    const [record] = readRunRecords(here.server.paths, 1);
    expect(record).toMatchObject({ outcome: 'refused', error: expect.any(String), modules: [] });
  });

  it('when another one is under way', async () => {
    const here = await scene();
    await here.publish({
      web: module('1.0.0', main('await new Promise((go) => setTimeout(go, 300)); return { success: true };')),
    });
    const first = here.cycle();
    await expect(here.cycle()).rejects.toThrow(refusal('locked', /^pid \d+ \(updater run\) holds the lock /));
    expect((await first).outcomes[0]?.status).toBe('succeeded');
    expect(readRunRecords(here.server.paths, 10)).toHaveLength(1);
  });

  it('when it was stopped before it began', async () => {
    const here = await scene();
    await here.publish({ web: module('1.0.0') });
    await expect(here.cycle({ signal: AbortSignal.abort() })).rejects.toThrow(refusal('stopped'));
    expect(fs.existsSync(here.server.paths.store)).toBe(false);
  });
});

describe('looking alone', () => {
  it('finds what a cycle would, and touches nothing but the mirror', async () => {
    const here = await scene();
    await here.publish({ web: module('1.0.0'), mail: module('1.0.0') });
    await here.cycle();
    const commit = await here.publish({ web: module('2.0.0') });
    const before = serverTree(here);
    const found = await checkForUpdates(here.server, { repository: { url: here.repository.url, branch: 'main' } });
    expect(found).toMatchObject({ commit, current: ['mail'], updates: [{ name: 'web', toVersion: '2.0.0' }] });
    expect(serverTree(here)).toEqual(before);
    expect(readRunRecords(here.server.paths, 10)).toHaveLength(1);
  });

  it('works on a server where nothing is yet, and leaves it so', async () => {
    const here = await scene();
    await here.publish({ web: module('1.0.0') });
    const { updates } = await checkForUpdates(here.server, {
      repository: { url: here.repository.url, branch: 'main' },
    });
    expect(updates).toHaveLength(1);
    expect(fs.existsSync(here.server.paths.modulesPath)).toBe(false);
  });
});

it('recovering alone finds nothing on a server in order', async () => {
  const { server } = home();
  expect(await recover(server)).toEqual({ recovered: [], failed: [] });
  expect(await recover(server)).toEqual({ recovered: [], failed: [] });
});
