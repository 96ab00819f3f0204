import fs from 'node:fs';
import path from 'node:path';
import { describeUnderSupervision } from '@homeserver/test-support';
import { expect, it, vi } from 'vitest';
import { killEverywhere } from './kill-everywhere.ts';
import { scene, type Scene } from './scene.ts';

/* kill -9 before each call that changes a file, of the program and of what it starts; then a fresh process recovers. */

async function withSnapshot(): Promise<Scene> {
  const here = scene({ one: 'old', two: 'old' });
  await here.stateManager().snapshots.captureFileState([here.at('one'), here.at('two')], 'first');
  for (const name of ['one', 'two']) here.write(name, 'new');
  return here;
}

const live = (here: Scene): string[] => [here.read('one'), here.read('two')];

async function goodSnapshots(here: Scene): Promise<string[]> {
  const { snapshots, damaged } = here.stateManager().snapshots.listSnapshots();
  expect(damaged).toEqual({});
  for (const { id } of snapshots) expect(await here.stateManager().snapshots.verifySnapshot(id)).toEqual([]);
  return snapshots.map(({ description }) => description);
}

/** A rollback script undoes its operation, and notes that it ran and what it saw. */
async function withScripts(): Promise<Scene> {
  const here = scene({ one: 'old', two: 'old' });
  for (const id of ['first', 'second']) {
    const lines = [`rm -f ${here.root}/done-${id}`, `echo "${id} $(cat ${here.at('one')})" >> ${here.root}/trace`];
    fs.writeFileSync(path.join(here.root, `${id}.sh`), `${lines.join('\n')}\n`);
  }
  return here;
}

async function withAppliedOperations(): Promise<Scene> {
  const here = await withScripts();
  await here
    .stateManager()
    .guard('hotfix', { files: [here.at('one'), here.at('two')], operations: true }, async (recorder) => {
      for (const id of ['first', 'second']) {
        await recorder.begin({ id, type: 'execute', rollbackScript: { file: path.join(here.root, `${id}.sh`) } });
        fs.writeFileSync(path.join(here.root, `done-${id}`), '');
      }
      for (const name of ['one', 'two']) here.write(name, 'new');
    });
  return here;
}

const left = (here: Scene): string[] => fs.readdirSync(here.root).filter((name) => name.startsWith('done-'));

vi.setConfig({ testTimeout: 900_000 });

await describeUnderSupervision('killed before any call that changes a file', () => {
  it('a snapshot is there whole, or not at all, and the one before it is good', async () => {
    const seen = new Set<number>();
    await killEverywhere('take a snapshot', withSnapshot, {
      recovered: async (here, firedAt) => {
        const descriptions = await goodSnapshots(here);
        expect([firedAt, descriptions.at(-1), live(here)]).toEqual([firedAt, 'first', ['new', 'new']]);
        seen.add(descriptions.length);
      },
    });
    expect(seen).toEqual(new Set([1, 2]));
  });

  it('a restore of a snapshot is complete after a recovery, or had not begun', async () => {
    const seen = new Set<string>();
    await killEverywhere('restore a snapshot', withSnapshot, {
      recovered: async (here, firedAt) => {
        expect([firedAt, await goodSnapshots(here)]).toEqual([firedAt, ['first']]);
        expect([firedAt, here.read('one')]).toEqual([firedAt, here.read('two')]);
        seen.add(here.read('one'));
      },
    });
    expect(seen).toEqual(new Set(['old', 'new']));
  });

  it('a removal leaves the whole snapshot, or nothing of it', async () => {
    await killEverywhere('remove a snapshot', withSnapshot, {
      recovered: async (here) => {
        expect((await goodSnapshots(here)).length).toBeLessThanOrEqual(1);
      },
    });
  });

  it('operations are all applied, or all rolled back, scripts included', async () => {
    const seen = new Set<string>();
    await killEverywhere('apply operations', withScripts, {
      recovered: async (here, firedAt) => {
        const isNew = here.read('one') === 'new';
        expect([firedAt, live(here), left(here)]).toEqual(
          isNew ? [firedAt, ['new', 'new'], ['done-first', 'done-second']] : [firedAt, ['old', 'old'], []],
        );
        const open = here
          .stateManager()
          .listOperations()
          .filter(({ outcome }) => outcome !== 'rolled-back');
        expect([firedAt, open.length]).toEqual([firedAt, isNew ? 3 : 0]);
        seen.add(here.read('one'));
      },
    });
    expect(seen).toEqual(new Set(['old', 'new']));
  });

  it('a rollback is completed by the recovery, or by the next one', async () => {
    await killEverywhere('roll back operations', withAppliedOperations, {
      recovered: async (here, firedAt) => {
        const isNew = here.read('one') === 'new';
        expect([firedAt, live(here)]).toEqual([firedAt, isNew ? ['new', 'new'] : ['old', 'old']]);
        expect(await here.stateManager().rollBackOperations()).toHaveLength(isNew ? 1 : 0);
        expect([firedAt, live(here), left(here)]).toEqual([firedAt, ['old', 'old'], []]);
        const order = fs.readFileSync(path.join(here.root, 'trace'), 'utf8').trim().split('\n');
        expect([...new Set(order.map((line) => line.split(' ')[0]))]).toEqual(['second', 'first']);
      },
    });
  });

  it('a rollback that wants for descriptors instead forgets no script', async () => {
    await killEverywhere('roll back operations', withAppliedOperations, {
      mode: 'EMFILE',
      recovered: async (here, firedAt) => {
        const again = await here.stateManager().rollBackOperations();
        expect([firedAt, again.filter(({ outcome }) => outcome !== 'restored')]).toEqual([firedAt, []]);
        expect([firedAt, live(here), left(here)]).toEqual([firedAt, ['old', 'old'], []]);
      },
    });
  });
});
