import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTree } from '@homeserver/test-support';
import { readModuleRecords } from '../../src/records/module-records.ts';
import { lockServer } from '../../src/lock-server.ts';
import type { ModuleOutcome } from '../../src/run/module-outcome.ts';
import { runModules } from '../../src/run/run-modules.ts';
import { installedModules } from '../../src/store/installed-modules.ts';
import { update } from '../../src/update.ts';
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
  runAll,
  store,
  treeOf,
  unprovenOf,
  waitForFile,
  type Home,
} from '../support.ts';

/** A server with something that a module may change: files one and two. */
function homeWithFiles(): Home & { filesNow(): Record<string, string> } {
  const here = home();
  makeTree(here.root, { etc: { one: 'old one', two: 'old two' } });
  const etc = path.join(here.root, 'etc');
  return {
    ...here,
    filesNow: () =>
      Object.fromEntries(fs.readdirSync(etc).map((name) => [name, fs.readFileSync(path.join(etc, name), 'utf8')])),
  };
}

const before = { one: 'old one', two: 'old two' };

/** The body of a module with `change(name, text, then?)`: a guarded change of one file. */
function changing({ root }: Home, body: string): string {
  return main(`
    const etc = ${JSON.stringify(path.join(root, 'etc'))};
    const change = (name, text, then = async () => {}) =>
      context.state.guard('web-' + name, { files: [etc + '/' + name] }, async () => {
        fs.writeFileSync(etc + '/' + name, text);
        await then();
      });
    ${body}`);
}

function installWeb(here: Home, body: string): void {
  install(here, 'web', '1.0.0', module('1.0.0', changing(here, body)));
}

describe('what the guards of a module have changed', () => {
  it('stays when the module succeeds, and nothing is open any more', async () => {
    const here = homeWithFiles();
    installWeb(
      here,
      "await change('one', 'new'); await change('two', 'new'); return { success: true, changed: true };",
    );
    const { web } = await runAll(here);
    expect(web).toMatchObject({ status: 'succeeded', changed: true, reverted: [] });
    expect(here.filesNow()).toEqual({ one: 'new', two: 'new' });
    expect(here.server.state.hasOpenChanges()).toBe(false);
  });

  it('is told when it was put back inside the module already: where what was in the way is kept', async () => {
    const here = homeWithFiles();
    installWeb(
      here,
      `await context.state
         .guard('web', { files: [etc] }, async () => {
           fs.writeFileSync(etc + '/upload', 'only here');
           throw new Error('no disk');
         })
         .catch(() => {});
       return { success: true };`,
    );
    const { web } = await runAll(here);
    expect(web).toMatchObject({ status: 'succeeded', displaced: [{ from: path.join(here.root, 'etc/upload') }] });
    expect(fs.readFileSync(web?.displaced[0]?.to ?? '', 'utf8')).toBe('only here');
    expect(here.said).toContainEqual(
      expect.stringMatching(/^warn: Module 'web', put back: what was in the way is kept: .*\/displaced\/.*\/upload$/),
    );
    expect(here.filesNow()).toEqual(before);
  });

  it.each<[string, string, string]>([
    [
      'the second of two guards fails',
      "await change('one', 'new'); await change('two', 'new', () => { throw new Error('no disk'); });",
      'no disk',
    ],
    ['the module throws after its guards', "await change('one', 'new'); throw new Error('no disk');", 'no disk'],
    [
      'the module says that it failed',
      "await change('one', 'new'); await change('one', 'newer'); return { success: false, error: 'no disk' };",
      'no disk',
    ],
    [
      'the process ends within a guard',
      "await change('one', 'new'); await change('two', 'new', () => process.exit(0));",
      'ended the process with exit code 0',
    ],
    [
      'it ends without waiting for a guard',
      "void change('one', 'new', () => new Promise(() => {})); await new Promise((go) => setTimeout(go, 300));" +
        'return { success: true };',
      'it ran, but what it did cannot be made final: ',
    ],
    [
      'it fails without waiting for a guard that goes on',
      "void change('one', 'new', () => new Promise(() => {" +
        "setInterval(() => fs.writeFileSync(etc + '/one', 'newer'), 2).unref(); }));" +
        "while (fs.readFileSync(etc + '/one', 'utf8') !== 'newer') await new Promise((go) => setTimeout(go, 5));" +
        "throw new Error('no disk');",
      'no disk',
    ],
    [
      'it fails after the restart that it asked for',
      "const isFirst = !fs.existsSync(context.stateDir + '/x'); fs.writeFileSync(context.stateDir + '/x', '');" +
        "await change(isFirst ? 'one' : 'two', 'new'); if (isFirst) return false; throw new Error('no disk');",
      'no disk',
    ],
    [
      'it asks for a restart again',
      "await change('one', 'new ' + process.pid); return false;",
      'it asked for a restart a second time',
    ],
  ])('is undone, to the state before the first of them, when %s', async (_, body, error) => {
    const here = homeWithFiles();
    installWeb(here, body);
    install(here, 'witness', '1.0.0');
    const { web, witness } = await runAll(here);
    expect(web).toMatchObject({ status: 'failed', error: expect.stringContaining(error), rollbackFailed: [] });
    expect(here.filesNow()).toEqual(before);
    expect(here.server.state.hasOpenChanges()).toBe(false);
    expect(witness?.status).toBe('succeeded');
  });

  it('is kept of both starts when the second one succeeds', async () => {
    const here = homeWithFiles();
    installWeb(
      here,
      `const isFirst = !fs.existsSync(context.stateDir + '/x'); fs.writeFileSync(context.stateDir + '/x', '');
       await change('one', isFirst ? 'new' : 'newer'); if (isFirst) return false;
       await change('two', 'new'); return { success: true };`,
    );
    const { web } = await runAll(here);
    expect(web).toMatchObject({ status: 'succeeded', restarted: true });
    expect(here.filesNow()).toEqual({ one: 'newer', two: 'new' });
    expect(here.server.state.hasOpenChanges()).toBe(false);
  });

  it('is said: how much was put back, and where is what was in the way', async () => {
    const here = homeWithFiles();
    install(
      here,
      'web',
      '1.0.0',
      module(
        '1.0.0',
        main(`
        const etc = ${JSON.stringify(path.join(here.root, 'etc'))};
        await context.state.guard('web', { files: [etc] }, async () => {
          fs.writeFileSync(etc + '/one', 'new');
        });
        fs.writeFileSync(etc + '/upload', 'by a customer');
        throw new Error('no disk');`),
      ),
    );
    const { web } = await runAll(here);
    const [text = ''] = web?.reverted ?? [];
    const [, directory = '', name = ''] =
      /^web: \d entries put back; what was in the way is kept in (\S+): .*?(\S*upload)/.exec(text) ?? [];
    expect(fs.readFileSync(path.join(directory, name), 'utf8'), text).toBe('by a customer');
    expect(here.said).toContain(`warn: Module 'web', put back: ${text}`);
    expect(here.filesNow()).toEqual(before);
  });

  it('that cannot be put back is said loudly', async () => {
    const here = homeWithFiles();
    installWeb(
      here,
      `await change('one', 'new');
       const backup = context.state.backupDir + '/web-one_backup';
       for (const entry of fs.readdirSync(backup, { recursive: true, withFileTypes: true }))
         if (entry.name === 'one') fs.writeFileSync(entry.parentPath + '/one', 'damaged');
       throw new Error('no disk');`,
    );
    const { web } = await runAll(here);
    expect(web).toMatchObject({ status: 'failed', rollbackFailed: [expect.stringMatching(/^web-one: .*one/)] });
    expect(here.said).toContainEqual(expect.stringMatching(/^error: Module 'web', COULD NOT BE PUT BACK: web-one: /));
  });
});

/** web 2.0.0 is not proven yet; 1.0.0 is the one before, 0.9.0 its backup. */
function unprovenWeb(source: (here: Home) => string): Home & { filesNow(): Record<string, string> } {
  const here = homeWithFiles();
  const entry = install(here, 'web', '2.0.0', module('2.0.0', source(here)));
  const previous = store(here, 'web', '1.0.0');
  pointAt(here, 'web.backup', previous);
  markUnproven(here, 'web', { entry, previous, previous_backup: store(here, 'web', '0.9.0') });
  return here;
}

describe('a version that has not succeeded yet', () => {
  it('is proven by its first success', async () => {
    const here = unprovenWeb(() => main('return { success: true };'));
    await runAll(here);
    expect(unprovenOf(here, 'web')).toBeUndefined();
    expect(links(here)).toEqual(['web 2.0.0', 'web.backup 1.0.0']);
    expect(entriesInStore(here)).toEqual(['web@1.0.0', 'web@2.0.0']);
  });

  it.each([
    ['fails', "await change('one', 'new'); throw new Error('no disk');"],
    ['ends its process', "await change('one', 'new'); process.exit(0);"],
  ])('and %s: its changes are undone, the version before and its backup are back', async (_, body) => {
    const here = unprovenWeb((home_) => changing(home_, body));
    const { web } = await runAll(here);
    expect(web).toMatchObject({ status: 'failed', version: '2.0.0', rolledBack: { from: '2.0.0', to: '1.0.0' } });
    expect(here.filesNow()).toEqual(before);
    expect(links(here)).toEqual(['web 1.0.0', 'web.backup 0.9.0']);
    expect(entriesInStore(here)).toEqual(['web@0.9.0', 'web@1.0.0']);
    expect(globalIndex(here).packages).toEqual({ web: '1.0.0' });
    const { web: record } = readModuleRecords(here.server.paths.moduleRecords);
    expect(record).toEqual({ failed: [expect.objectContaining({ tree: treeOf('web@2.0.0'), failures: 1 })] });
    expect(here.said).toContain("warn: Module 'web' 2.0.0 was rolled back: 1.0.0 is back");
  });

  it('and a part of it was put back (a hotfix pool): that is no failure of the version', async () => {
    const here = unprovenWeb(() => main("return { success: true, reverted: ['pool-1: closure line 1 exited 1'] };"));
    const { web } = await runAll(here);
    expect(web).toMatchObject({ status: 'succeeded', reverted: ['pool-1: closure line 1 exited 1'] });
    expect([unprovenOf(here, 'web'), links(here)]).toEqual([undefined, ['web 2.0.0', 'web.backup 1.0.0']]);
  });

  it('and is stopped: its changes are undone, and nothing is held against it', async () => {
    const here = unprovenWeb((home_) =>
      changing(
        home_,
        `await change('one', 'new', async () => {
           fs.writeFileSync(context.stateDir + '/here', 'x');
           await new Promise((go) => context.signal.addEventListener('abort', go));
         });
         return { success: true };`,
      ),
    );
    install(here, 'website', '1.0.0');
    const stop = new AbortController();
    const running = update(here.server, { only: 'run', signal: stop.signal });
    await waitForFile(path.join(here.server.paths.moduleStates, 'web/here'));
    stop.abort();
    const { outcomes, stopped } = await running;
    expect(stopped).toBe(true);
    expect(outcomes.map(({ name, status, error }) => [name, status, error])).toEqual([
      ['web', 'failed', 'was stopped, because the updater was asked to end'],
      ['website', 'skipped', 'the updater was asked to end before its turn'],
    ]);
    expect(here.filesNow()).toEqual(before);
    expect(links(here)).toEqual(['web 2.0.0', 'web.backup 1.0.0', 'website 1.0.0']);
    expect(unprovenOf(here, 'web')).toMatchObject({ starts: 0 });
    expect(readModuleRecords(here.server.paths.moduleRecords)['web']?.failed).toBeUndefined();
  });

  it('and for which no process can be started: nothing is held against it', async () => {
    const here = unprovenWeb(() => main('return { success: true };'));
    const [outcome] = await runWithoutProcesses(here, 'Executing module');
    expect(outcome).toMatchObject({
      status: 'failed',
      error: 'was not run, because the process for it did not start: spawn EBADF',
    });
    expect(links(here)).toEqual(['web 2.0.0', 'web.backup 1.0.0']);
    expect(unprovenOf(here, 'web')).toMatchObject({ starts: 0 });
  });

  it('and that asked for a restart for which no process can be started: what it had changed is undone', async () => {
    const here = unprovenWeb((home_) => changing(home_, "await change('one', 'new'); return false;"));
    const [outcome] = await runWithoutProcesses(here, 'asked for a restart');
    expect(outcome).toMatchObject({ status: 'failed', error: expect.stringMatching(/did not start: spawn EBADF$/) });
    expect(here.filesNow()).toEqual(before);
    expect(here.server.state.hasOpenChanges()).toBe(false);
    expect(unprovenOf(here, 'web')).toMatchObject({ starts: 0 });
  });
});

/** Runs the modules; from the message `from` on, the kernel refuses to start a process for them. */
async function runWithoutProcesses({ server }: Home, from: string): Promise<ModuleOutcome[]> {
  const { paths, state, logger, logFor } = server;
  const lock = await lockServer(paths, { purpose: 'test' });
  const lockDescriptors = [...lock.descriptors];
  const noDescriptor = 9999;
  const info = (message: string): void => void (message.includes(from) && lockDescriptors.push(noDescriptor));
  const settings = {
    runId: 'run',
    lockDescriptors,
    jobs: 1,
    onEvent: () => {},
    retry: false,
    dryRun: false,
    logFor,
    state,
  };
  try {
    return await runModules(paths, installedModules(paths).values(), { ...settings, logger: { ...logger, info } });
  } finally {
    lock.release();
  }
}
