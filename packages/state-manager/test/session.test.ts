import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StateManager } from '../src/index.ts';
import { expectNothingOpen } from './expectations.ts';
import { scene, type Scene } from './scene.ts';

/* A run of a module: guards of one or several processes, which the updater makes final or undoes as a whole. */

const inherited = { lock: 'inherited', run: 'r1.adblock', session: 'adblock' } as const;
const updaterOf = (here: Scene): StateManager => here.stateManager({ lock: 'inherited', run: 'r1' });
const backupsOf = (here: Scene): string[] =>
  fs.readdirSync(here.backupDir).filter((name) => name.startsWith('a_backup'));

async function change(state: StateManager, slot: string, here: Scene, content: string): Promise<void> {
  await state.guard(slot, { files: [here.at('f')] }, async () => here.write('f', content));
}

describe('a session', () => {
  it('stays undoable until it is made final', async () => {
    const here = scene({ f: 'zero' });
    const state = here.stateManager(inherited);
    await change(state, 'a', here, 'one');
    await change(state, 'b', here, 'two');
    expect(updaterOf(here).hasOpenChanges()).toBe(true);
    await updaterOf(here).commitRun('r1.adblock');
    expectNothingOpen(here);
    expect((await updaterOf(here).recover()).found).toEqual([]);
    expect(here.read('f')).toBe('two');
  });

  it('is not taken for final when one of its guards cannot be undone: the next recovery tries again', async () => {
    const here = scene({ f: 'zero' });
    await change(here.stateManager(inherited), 'a', here, 'one');
    const copy = path.join(here.backupDir, 'a_backup/files', here.at('f'));
    fs.renameSync(copy, `${copy}.lost`);
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      const { found } = await updaterOf(here).recover();
      expect(found).toContainEqual(expect.objectContaining({ slot: 'a', kind: 'guard', outcome: 'failed' }));
      expect(here.read('f')).toBe('one');
    }
    fs.renameSync(`${copy}.lost`, copy);
    await updaterOf(here).recover();
    expect(here.read('f')).toBe('zero');
    expectNothingOpen(here);
  });

  it('is undone as a whole, newest first', async () => {
    const here = scene({ f: 'zero' });
    const state = here.stateManager(inherited);
    await change(state, 'a', here, 'one');
    await change(state, 'b', here, 'two');
    const { found } = await updaterOf(here).undoRun('r1.adblock');
    expect(found).toMatchObject([
      { slot: 'b', kind: 'guard', outcome: 'restored' },
      { slot: 'a', kind: 'guard', outcome: 'restored' },
    ]);
    expect(here.read('f')).toBe('zero');
    expectNothingOpen(here);
  });

  it('may use a slot twice: undone, the state before the first comes back, live and in the slot', async () => {
    const here = scene({ f: 'zero' });
    const state = here.stateManager(inherited);
    for (const content of ['one', 'two', 'three']) await change(state, 'a', here, content);
    expect(backupsOf(here)).toHaveLength(3);
    await updaterOf(here).undoRun('r1.adblock');
    expect(here.read('f')).toBe('zero');
    expect(backupsOf(here)).toEqual(['a_backup']);
    await updaterOf(here).restoreModuleState('a');
    expect(here.read('f')).toBe('zero');
    expectNothingOpen(here);
  });

  it('may use a slot twice: made final, the slot holds the last, and no other backup stays', async () => {
    const here = scene({ f: 'zero' });
    const state = here.stateManager(inherited);
    for (const content of ['one', 'two', 'three']) await change(state, 'a', here, content);
    await updaterOf(here).commitRun('r1.adblock');
    expect(backupsOf(here)).toEqual(['a_backup']);
    await updaterOf(here).restoreModuleState('a');
    expect(here.read('f')).toBe('two');
  });

  it('is one for all processes of the run: a second try belongs to the first', async () => {
    const here = scene({ f: 'zero' });
    await change(here.stateManager(inherited), 'a', here, 'one');
    await change(here.stateManager(inherited), 'b', here, 'two');
    const intents = fs
      .readdirSync(`${here.backupDir}/journal`)
      .map((name) => JSON.parse(fs.readFileSync(`${here.backupDir}/journal/${name}`, 'utf8')) as { kind: string });
    expect(intents.map(({ kind }) => kind).sort()).toEqual(['guard', 'guard', 'session']);
  });

  it('was made final with all that is nested in it, wherever the closing of its notes was cut', async () => {
    const here = scene({ f: 'zero', g: 'zero' });
    const state = here.stateManager(inherited);
    await state.guard('outer', { files: [here.at('g')] }, async () => {
      await change(state, 'inner', here, 'one');
      here.write('g', 'one');
    });
    const journal = path.join(here.backupDir, 'journal');
    for (const name of fs.readdirSync(journal)) {
      const { kind } = JSON.parse(fs.readFileSync(path.join(journal, name), 'utf8')) as { kind: string };
      // The first step of commitRun, and no further.
      if (kind === 'session') for (const at of [journal, `${here.stateDir}/intents`]) fs.rmSync(path.join(at, name));
    }
    await updaterOf(here).recover();
    expect([here.read('f'), here.read('g')]).toEqual(['one', 'one']);
    expectNothingOpen(here);
  });

  it('may be used again by the same instance once it was made final', async () => {
    const here = scene({ f: 'zero' });
    const state = here.stateManager(inherited);
    await change(state, 'a', here, 'one');
    await updaterOf(here).commitRun('r1.adblock');
    await change(state, 'a', here, 'two');
    await updaterOf(here).undoRun('r1.adblock');
    expect(here.read('f')).toBe('one');
  });

  it('loses the guard that failed, and keeps the others undoable', async () => {
    const here = scene({ f: 'zero' });
    const state = here.stateManager(inherited);
    await change(state, 'a', here, 'one');
    const outcome = await state.attempt('b', { files: [here.at('f')] }, async () => {
      here.write('f', 'two');
      throw new Error('no');
    });
    expect([outcome.status, here.read('f')]).toEqual(['reverted', 'one']);
    await updaterOf(here).undoRun('r1.adblock');
    expect(here.read('f')).toBe('zero');
  });

  it('is not made final with a guard in it that was never finished', async () => {
    const here = scene({ f: 'zero' });
    const state = here.stateManager(inherited);
    await state.attempt('a', { files: [here.at('f')] }, async () => {
      fs.truncateSync(path.join(here.backupDir, 'a_backup/files', here.at('f')), 1);
      here.write('f', 'half');
      throw new Error('no');
    });
    await expect(updaterOf(here).commitRun('r1.adblock')).rejects.toThrow(
      expect.objectContaining({
        code: 'overlap',
        message: 'cannot commit run r1.adblock: the change of a has not ended',
      }),
    );
    expect(updaterOf(here).hasOpenChanges()).toBe(true);
  });
});

describe('runs beside each other', () => {
  it('are made final and undone one by one; the whole run is the parts together', async () => {
    const here = scene({ f: '0', g: '0', h: '0' });
    const names = ['f', 'g', 'h'];
    for (const name of names) {
      const state = here.stateManager({ lock: 'inherited', run: name === 'h' ? 'r11' : `r1.${name}`, session: name });
      await state.guard(name, { files: [here.at(name)] }, async () => here.write(name, '1'));
    }
    await updaterOf(here).commitRun('r1.f');
    await updaterOf(here).undoRun('r1');
    expect(names.map((name) => here.read(name))).toEqual(['1', '0', '1']);
    expect((await updaterOf(here).recover()).found).toMatchObject([{ slot: 'h', outcome: 'restored' }]);
    expect(here.read('h')).toBe('0');
  });

  it('wait for what another run has not made final', async () => {
    const here = scene({ f: 'zero' });
    await change(here.stateManager(inherited), 'a', here, 'one');
    const waiting = here.stateManager({ lock: 'inherited', run: 'r1.other', session: 'other' });
    const changing = change(waiting, 'b', here, 'two');
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(here.read('f')).toBe('one');
    await updaterOf(here).undoRun('r1.adblock');
    await changing;
    await updaterOf(here).undoRun('r1.other');
    expect(here.read('f')).toBe('zero');
  });
});

const damage = (here: Scene, slot: string): void =>
  fs.appendFileSync(path.join(here.backupDir, `${slot}_backup/files`, here.at('f')), '!');

describe('undoing, when a backup of the run is damaged', () => {
  it('goes on with the older ones: what they put back in full settles the newer', async () => {
    const here = scene({ f: 'zero' });
    const state = here.stateManager(inherited);
    await change(state, 'a', here, 'one');
    await change(state, 'b', here, 'two');
    damage(here, 'b');
    const { found } = await updaterOf(here).undoRun('r1.adblock');
    expect(found.map(({ slot, outcome }) => [slot, outcome])).toEqual([
      ['b', 'restored'],
      ['a', 'restored'],
    ]);
    expect(here.read('f')).toBe('zero');
    expect(here.said).toContainEqual(
      expect.stringMatching(/^warn b: .*damaged.*; the older state that a brought back covers it$/),
    );
    expectNothingOpen(here);
  });

  it('keeps the note of what could not be undone', async () => {
    const here = scene({ f: 'zero', g: 'zero' });
    const state = here.stateManager(inherited);
    await change(state, 'a', here, 'one');
    await state.guard('b', { files: [here.at('g')] }, async () => here.write('g', 'one'));
    damage(here, 'a');
    const { found } = await updaterOf(here).undoRun('r1.adblock');
    expect(found.map(({ slot, outcome }) => [slot, outcome])).toEqual([
      ['b', 'restored'],
      ['a', 'failed'],
    ]);
    expect([here.read('f'), here.read('g')]).toEqual(['one', 'zero']);
    const noted = fs.readdirSync(`${here.backupDir}/journal`);
    expect(noted).toHaveLength(2); // The guard, and the session that keeps it from being taken for final.
  });
});
