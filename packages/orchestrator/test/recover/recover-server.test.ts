import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { describeTree, makeTree } from '@homeserver/test-support';
import { recover, update } from '../../src/index.ts';
import { readModuleRecords } from '../../src/records/module-records.ts';
import {
  entriesInStore,
  globalIndex,
  home,
  install,
  links,
  main,
  markUnproven,
  module,
  pointAt,
  refusal,
  startUpdater,
  store,
  treeOf,
  unprovenOf,
  waitForFile,
  type Home,
} from '../support.ts';

/** web 2.0.0, started `starts` times without an end; 1.0.0 before it. */
function unfinishedWeb(starts: number, source?: string): Home {
  const here = home();
  const entry = install(here, 'web', '2.0.0', module('2.0.0', source));
  const previous = store(here, 'web', '1.0.0');
  pointAt(here, 'web.backup', previous);
  markUnproven(here, 'web', { entry, previous, starts });
  return here;
}

it('a version that did not finish its first start gets a second one', async () => {
  const here = unfinishedWeb(1);
  expect(await recover(here.server)).toEqual({ recovered: [], failed: [] });
  expect(links(here)).toEqual(['web 2.0.0', 'web.backup 1.0.0']);
  expect(unprovenOf(here, 'web')?.starts).toBe(1);
});

it('a version that did not finish two starts is taken for one that takes the machine down', async () => {
  const here = unfinishedWeb(2);
  expect((await recover(here.server)).recovered).toEqual(['web 2.0.0 did not finish 2 starts; 1.0.0 is installed now']);
  expect(links(here)).toEqual(['web 1.0.0']);
  expect(globalIndex(here).packages).toEqual({ web: '1.0.0' });
  expect(readModuleRecords(here.server.paths.moduleRecords)['web']?.failed).toEqual([
    expect.objectContaining({ tree: treeOf('web@2.0.0'), error: '2 starts did not come to an end' }),
  ]);
  expect(await recover(here.server)).toEqual({ recovered: [], failed: [] });
});

it('a version that takes the updater down with it is back at the one before after two starts', async () => {
  const here = unfinishedWeb(0, main("process.kill(process.ppid, 'SIGKILL'); for (;;);"));
  for (const starts of [1, 2]) {
    expect(await startUpdater(here).ended).toBeNull();
    expect(unprovenOf(here, 'web')?.starts).toBe(starts);
  }
  const { recovery, outcomes } = await update(here.server, { only: 'run', waitMs: 10_000 });
  expect(recovery.recovered).toEqual(['web 2.0.0 did not finish 2 starts; 1.0.0 is installed now']);
  expect(outcomes.map(({ name, version, status }) => [name, version, status])).toEqual([['web', '1.0.0', 'succeeded']]);
});

it('what a killed updater left half-changed is put back before anything else, and its processes are ended', async () => {
  const here = home();
  makeTree(here.root, { etc: { one: 'old' } });
  const file = path.join(here.root, 'etc/one');
  install(
    here,
    'web',
    '1.0.0',
    module(
      '1.0.0',
      main(`
      if (fs.existsSync(context.stateDir + '/pid')) return { success: true };
      await context.state.guard('web', { files: [${JSON.stringify(file)}] }, async () => {
        fs.writeFileSync(${JSON.stringify(file)}, 'half');
        const { spawn } = await import('node:child_process');
        const child = spawn('setsid', ['sh', '-c', 'while :; do echo later > "$0"; done', ${JSON.stringify(file)}], { detached: true });
        fs.writeFileSync(context.stateDir + '/pid', String(child.pid));
        await new Promise((go) => setTimeout(go, 60_000));
      });`),
    ),
  );
  const updater = startUpdater(here);
  await waitForFile(path.join(here.server.paths.moduleStates, 'web/pid'));
  updater.kill('SIGKILL');
  await updater.ended;
  const { recovery, outcomes } = await update(here.server, { only: 'run', waitMs: 10_000 });
  expect(recovery.recovered).toEqual([
    expect.stringMatching(/^\d of its processes still lived, and were ended$/),
    expect.stringMatching(/^web: 1 entry put back/),
  ]);
  expect(recovery.failed).toEqual([]);
  expect(outcomes[0]?.status).toBe('succeeded');
  expect(fs.readFileSync(file, 'utf8')).toBe('old');
});

it('an index that is missing or wrong is put right', async () => {
  const here = home();
  install(here, 'web', '1.0.0');
  fs.writeFileSync(here.server.paths.globalIndex, '');
  await recover(here.server);
  expect(globalIndex(here).packages).toEqual({ web: '1.0.0' });
});

it('leftovers go', async () => {
  const here = home();
  install(here, 'web', '1.0.0');
  store(here, 'web', '0.5.0');
  const temporary = '.homeserver-updates-0123456789abcdef.tmp';
  makeTree(here.server.paths.store, { [temporary]: module('3.0.0') });
  makeTree(here.server.paths.modules, { [temporary]: '' });
  await recover(here.server);
  expect([entriesInStore(here), links(here)]).toEqual([['web@1.0.0'], ['web 1.0.0']]);
});

it('records that cannot be read are set aside by name, and do not stop the updates', async () => {
  const here = home();
  install(here, 'web', '1.0.0');
  const { moduleRecords, stateDir } = here.server.paths;
  fs.mkdirSync(stateDir, { mode: 0o700 });
  fs.writeFileSync(moduleRecords, '{');
  const { recovered } = await recover(here.server);
  expect(recovered).toEqual([
    expect.stringMatching(new RegExp(`^cannot read ${moduleRecords}: .*; it is ${moduleRecords}\\.damaged now`)),
  ]);
  expect(fs.readFileSync(`${moduleRecords}.damaged`, 'utf8')).toBe('{');
  expect(await recover(here.server)).toEqual({ recovered: [], failed: [] });
});

it('an intent that cannot be read stops everything, with nothing touched, until a person has looked', async () => {
  const here = home();
  install(here, 'web', '1.0.0');
  await update(here.server, { only: 'run' });
  fs.writeFileSync(here.server.paths.replaceIntent, '{');
  const before = describeTree(here.server.paths.modulesPath);
  for (const act of [() => recover(here.server), () => update(here.server, { only: 'run' })])
    await expect(act()).rejects.toThrow(refusal('rollback-failed', /^cannot read .*replace\.json/));
  expect(describeTree(here.server.paths.modulesPath)).toEqual(before);
});
