import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTree } from '@homeserver/test-support';
import { readModuleRecords } from '../../src/records/module-records.ts';
import { update } from '../../src/update.ts';
import { home, install, links, main, markUnproven, module, runAll, store, waitForFile, type Home } from '../support.ts';

/** The body of a module that meets another one: each is there before either goes on. */
function meeting({ root }: Home, own: string, other: string): string {
  return `
    fs.writeFileSync('${root}/${own}-here', 'x');
    while (!fs.existsSync('${root}/${other}-here')) await new Promise((go) => setTimeout(go, 5));`;
}

describe('modules that run side by side', () => {
  it('are in processes of their own, which are reused in each lane', async () => {
    const here = home();
    const says = 'console.log(`pid ${process.pid}`); return { success: true };';
    install(here, 'a', '1.0.0', module('1.0.0', main(`${meeting(here, 'a', 'b')} ${says}`)));
    install(here, 'b', '1.0.0', module('1.0.0', main(`${meeting(here, 'b', 'a')} ${says}`)));
    for (const name of ['c', 'd', 'e']) install(here, name, '1.0.0', module('1.0.0', main(says)));
    const outcomes = Object.values(await runAll(here, { jobs: 2 }));
    expect(outcomes.map(({ name, status }) => `${name} ${status}`)).toEqual(
      ['a', 'b', 'c', 'd', 'e'].map((name) => `${name} succeeded`),
    );
    const pids = new Map(
      here.said.flatMap((line) =>
        /^info: (\w): pid (\d+)$/.exec(line) ? [line.slice(6).split(': pid ') as [string, string]] : [],
      ),
    );
    expect(pids.size).toBe(5);
    expect(new Set(pids.values()).size).toBe(2);
    expect(pids.get('a')).not.toBe(pids.get('b'));
  });

  it('whose guards claim the same: one waits, and never sees what the other leaves half-done or takes back', async () => {
    const here = home();
    makeTree(here.root, { etc: { conf: 'mine' } });
    const file = path.join(here.root, 'etc/conf');
    const holds = `
      await context.state.guard('holder', { files: ['${here.root}/etc'] }, async () => {
        fs.writeFileSync('${file}', 'half');
        ${meeting(here, 'holder', 'waiter')}
        await new Promise((go) => setTimeout(go, 300));
      });
      fs.writeFileSync('${file}', 'half, and not under guard');
      throw new Error('no disk');`;
    const waits = `
      while (!fs.existsSync('${here.root}/holder-here')) await new Promise((go) => setTimeout(go, 5));
      fs.writeFileSync('${here.root}/waiter-here', 'x');
      let found;
      await context.state.guard('waiter', { files: ['${file}'] }, async () => {
        found = fs.readFileSync('${file}', 'utf8');
        fs.writeFileSync('${file}', found + ' and more');
      });
      console.log('found ' + found);
      return { success: true, changed: true };`;
    install(here, 'holder', '1.0.0', module('1.0.0', main(holds)));
    install(here, 'waiter', '1.0.0', module('1.0.0', main(waits)));
    const { holder, waiter } = await runAll(here, { jobs: 2 });
    expect([holder?.status, holder?.reverted.length, waiter?.status]).toEqual(['failed', 1, 'succeeded']);
    expect(here.said).toContain('info: waiter: waiter waits: holder is changing the same');
    expect(here.said).toContain('info: waiter: found mine');
    expect(fs.readFileSync(file, 'utf8')).toBe('mine and more');
    expect(here.server.state.hasOpenChanges()).toBe(false);
  });

  it('one fails and is taken back with its processes; the other, in the middle of a change, is not touched', async () => {
    const here = home();
    makeTree(here.root, { etc: { one: 'old', two: 'old' } });
    const [pid, failed] = [path.join(here.root, 'child'), path.join(here.root, 'failed')];
    const goesOn = `
      await context.state.guard('goes-on', { files: ['${here.root}/etc/one'] }, async () => {
        fs.writeFileSync('${here.root}/etc/one', 'new');
        const { spawn } = await import('node:child_process');
        const child = spawn('sh', ['-c', 'sleep 60'], { detached: true, stdio: 'ignore' });
        ${meeting(here, 'goes-on', 'fails')}
        while (!fs.existsSync('${failed}')) await new Promise((go) => setTimeout(go, 5));
        process.kill(child.pid, 0);
        fs.writeFileSync('${pid}', String(child.pid));
        child.kill();
        await new Promise((go) => child.once('exit', go));
      });
      return { success: true };`;
    const fails = `
      await context.state.guard('fails', { files: ['${here.root}/etc/two'] }, async () => {
        fs.writeFileSync('${here.root}/etc/two', 'new');
        ${meeting(here, 'fails', 'goes-on')}
        process.exit(7);
      });`;
    install(here, 'goes-on', '1.0.0', module('1.0.0', main(goesOn)));
    const entry = install(here, 'fails', '2.0.0', module('2.0.0', main(fails)));
    markUnproven(here, 'fails', { entry, previous: store(here, 'fails', '1.0.0') });
    const running = runAll(here, { jobs: 2 });
    for (;;) {
      if (here.said.some((line) => line.startsWith("warn: Module 'fails' 2.0.0 was rolled back"))) break;
      await new Promise((go) => setTimeout(go, 5));
    }
    expect(fs.readFileSync(`${here.root}/etc/two`, 'utf8')).toBe('old');
    expect(fs.readFileSync(`${here.root}/etc/one`, 'utf8')).toBe('new');
    fs.writeFileSync(failed, '');
    const { 'goes-on': other, fails: one } = await running;
    expect([other?.status, one?.status, one?.rolledBack]).toEqual([
      'succeeded',
      'failed',
      { from: '2.0.0', to: '1.0.0' },
    ]);
    expect(fs.existsSync(pid)).toBe(true);
    expect(fs.readFileSync(`${here.root}/etc/one`, 'utf8')).toBe('new');
    expect(links(here)).toEqual(['fails 1.0.0', 'goes-on 1.0.0']);
    expect(here.server.state.hasOpenChanges()).toBe(false);
  });

  it('what claims the same as one that could not be put back fails at once, and by name', async () => {
    const here = home();
    makeTree(here.root, { etc: { conf: 'mine' } });
    const file = path.join(here.root, 'etc/conf');
    const breaks = `
      await context.state.guard('breaks', { files: ['${file}'] }, async () => {
        fs.writeFileSync('${file}', 'half');
        fs.truncateSync(context.state.backupDir + '/breaks_backup/manifest.json', 20);
        process.exit(1);
      });`;
    const next = `await context.state.guard('next', { files: ['${file}'] }, async () => {}); return { success: true };`;
    install(here, 'breaks', '1.0.0', module('1.0.0', main(breaks)));
    install(here, 'next', '1.0.0', module('1.0.0', main(next), { priority: 60 }));
    const outcomes = await runAll(here);
    expect(outcomes['breaks']?.rollbackFailed).toHaveLength(1);
    expect(outcomes['next']).toMatchObject({
      status: 'failed',
      error: expect.stringMatching(/^next claims the same as breaks, which could not be undone/),
    });
  });

  it('all are stopped when the updater is, and nothing is held against any', async () => {
    const here = home();
    for (const name of ['a', 'b']) {
      const entry = install(
        here,
        name,
        '2.0.0',
        module(
          '2.0.0',
          main(
            `fs.writeFileSync(context.stateDir + '/here', 'x'); await new Promise((go) => context.signal.addEventListener('abort', go)); return { success: true };`,
          ),
        ),
      );
      markUnproven(here, name, { entry, previous: store(here, name, '1.0.0') });
    }
    install(here, 'c', '1.0.0');
    const stop = new AbortController();
    const running = update(here.server, { only: 'run', jobs: 2, signal: stop.signal });
    for (const name of ['a', 'b']) await waitForFile(path.join(here.server.paths.moduleStates, name, 'here'));
    stop.abort();
    const { outcomes } = await running;
    expect(outcomes.map(({ name, status }) => `${name} ${status}`)).toEqual(['a failed', 'b failed', 'c skipped']);
    expect(links(here)).toEqual(['a 2.0.0', 'b 2.0.0', 'c 1.0.0']);
    const records = readModuleRecords(here.server.paths.moduleRecords);
    for (const name of ['a', 'b']) expect(records[name]).toMatchObject({ unproven: { starts: 0 } });
  });
});
