import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { runCommand } from '@homeserver/system';
import { describeTree } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { expectNothingOpen, journalOf } from './expectations.ts';
import { scene, type Scene } from './scene.ts';

/* A boot recovers in two phases: the early one before any service has started, the late one when the machine is up. */

/** A guarded change that was cut by kill -9. */
async function crash(here: Scene, how: string, request: object = {}): Promise<void> {
  const script = path.join(import.meta.dirname, 'fixtures/crash.ts');
  const { signal } = await runCommand([process.execPath, script, here.root, how, JSON.stringify(request)], {
    env: { PATH: process.env['PATH'] ?? '' },
  });
  expect(signal).toBe('SIGKILL');
}

const remainingOf = (here: Scene): unknown[] =>
  journalOf(here).map(
    (name) => JSON.parse(fs.readFileSync(path.join(here.backupDir, 'journal', name), 'utf8')).remaining,
  );

describe('a change that a power cut has interrupted', () => {
  it('has its files back after the early phase, and its commands run in the late one', async () => {
    const here = scene({ f: 'old', d: { g: 'x' } });
    const before = describeTree(here.live);
    await crash(here, 'plain', { afterRestore: [`cat ${here.at('f')} > ${here.root}/built`] });
    const early = await here.stateManager().recover({ phase: 'early' });
    expect(early.found).toMatchObject([{ slot: 'app', outcome: 'begun' }]);
    expect(describeTree(here.live)).toEqual(before);
    expect(fs.existsSync(`${here.root}/built`)).toBe(false);
    expect([here.stateManager().hasOpenChanges(), remainingOf(here)]).toEqual([true, ['late']]);

    const late = await here.stateManager().recover();
    expect(late.found).toMatchObject([
      { slot: 'app', outcome: 'restored', wasBegun: true, afterRestore: { ok: true } },
    ]);
    expect(fs.readFileSync(`${here.root}/built`, 'utf8')).toBe('old');
    expect(describeTree(here.live)).toEqual(before);
    expectNothingOpen(here);
  });

  it('keeps what services have written between the phases', async () => {
    const here = scene({ f: 'old' });
    const database = here.at('app.db');
    using before = new DatabaseSync(database);
    before.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1)');
    before.close();
    await crash(here, 'plain', { databases: [{ type: 'sqlite', database }] });
    await here.stateManager().recover({ phase: 'early' });
    here.write('f', 'of a service');
    const service = new DatabaseSync(database);
    service.exec('INSERT INTO t VALUES (2)');
    service.close();
    await here.stateManager().recover();
    expect(here.read('f')).toBe('of a service');
    using after = new DatabaseSync(database);
    expect(after.prepare('SELECT x FROM t').all()).toEqual([{ x: 1 }, { x: 2 }]);
    expectNothingOpen(here);
  });

  it('goes through the early phase once, however often the power fails after it', async () => {
    const here = scene({ f: 'old' });
    await crash(here, 'nested');
    const first = await here.stateManager().recover({ phase: 'early' });
    expect(first.found.map(({ slot, outcome }) => [slot, outcome])).toEqual([
      ['inner', 'begun'],
      ['app', 'begun'],
    ]);
    here.write('f', 'of a service');
    expect((await here.stateManager().recover({ phase: 'early' })).found).toEqual([]);
    expect(here.read('f')).toBe('of a service');
    expect((await here.stateManager().recover()).found).toMatchObject([{ wasBegun: true }, { wasBegun: true }]);
    expectNothingOpen(here);
  });

  it('is whole after a recovery without phases, too: whoever comes next does what is left', async () => {
    const here = scene({ f: 'old' });
    await crash(here, 'plain');
    await here.stateManager().recover({ phase: 'early' });
    await here.stateManager().backupModuleState('other', { files: [here.at('f')] });
    expect(here.read('f')).toBe('old');
    expectNothingOpen(here);
  });

  it('waits for the late phase when its backup is damaged, with all that is older', async () => {
    const here = scene({ f: 'old', d: { g: 'x' } });
    await crash(here, 'nested');
    const copy = fs.globSync(`${here.backupDir}/inner_backup*/files/**/f`)[0] as string;
    fs.writeFileSync(copy, 'rot');
    const { found } = await here.stateManager().recover({ phase: 'early' });
    expect(found).toMatchObject([{ slot: 'inner', outcome: 'failed' }]);
    expect([here.read('f'), remainingOf(here)]).toEqual(['inner', [undefined, undefined]]);
    const late = await here.stateManager().recover();
    expect(late.found.map(({ outcome }) => outcome)).toEqual(['restored', 'restored']); // The older one covers it.
    expect(here.read('f')).toBe('old');
    expectNothingOpen(here);
  });
});

it('a change with rollback scripts waits for the late phase, with all that is older', async () => {
  const here = scene({ one: 'old', two: 'old' });
  const script = path.join(here.root, 'first.sh');
  fs.writeFileSync(script, `#!/bin/sh\ntouch ${here.root}/undone\n`, { mode: 0o755 });
  const fixture = path.join(import.meta.dirname, 'fixtures/crash-operations.ts');
  const { signal } = await runCommand([process.execPath, fixture, here.root]);
  expect(signal).toBe('SIGKILL');
  expect((await here.stateManager().recover({ phase: 'early' })).found).toEqual([]);
  expect([here.read('one'), remainingOf(here)]).toEqual(['new', [undefined, undefined]]);
  await here.stateManager().recover();
  expect([here.read('one'), fs.existsSync(`${here.root}/undone`)]).toEqual(['old', true]);
  expectNothingOpen(here);
});

it('the early phase is refused for the disk of another machine', async () => {
  const here = scene({ f: 'old' });
  await expect(here.stateManager({ targetRoot: here.root }).recover({ phase: 'early' })).rejects.toThrow(
    /for the machine itself/,
  );
});
