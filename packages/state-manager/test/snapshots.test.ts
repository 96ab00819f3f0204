import fs from 'node:fs';
import path from 'node:path';
import { runCommand, temporaryName } from '@homeserver/system';
import { describeTree } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { buildEngine } from '../src/engine.ts';
import { StateCapture } from '../src/index.ts';
import { readManifest, writeManifest } from '../src/manifest.ts';
import { openIntent } from '../src/open-intent.ts';
import { coded, expectNothingOpen, journalOf } from './expectations.ts';
import { sqliteScene } from './databases/sqlite-scene.ts';
import { scene, type Scene } from './scene.ts';

const captureOf = (here: Scene): StateCapture => here.stateManager().snapshots;
const indexOf = (here: Scene): string => path.join(here.backupDir, 'snapshots/index.json');

/** Gives snapshots ids that a test can count on: the same bytes, under another name. */
function rename(here: Scene, from: string, to: string): void {
  const place = (id: string): string => path.join(here.backupDir, 'snapshots', id);
  fs.renameSync(place(from), place(to));
}

describe('a snapshot of files', () => {
  it('brings back exactly what it captured, and keeps what was there instead', async () => {
    const here = scene({ f: 'old', d: { g: 'x', empty: {} } });
    const capture = captureOf(here);
    const before = describeTree(here.live);
    const { id, ...info } = await capture.captureFileState(here.live, 'before the move');
    expect(id).toMatch(/^[0-9a-f]{12}$/);
    expect(info).toMatchObject({
      type: 'file',
      description: 'before the move',
      directory: path.join(here.backupDir, 'snapshots', id),
      files: [here.live],
      services: [],
      databases: [],
    });
    here.write('f', 'new');
    fs.rmSync(here.at('d'), { recursive: true });
    here.write('upload', 'nowhere else');
    const report = await capture.restoreSnapshot(id);
    expect(describeTree(here.live)).toEqual(before);
    expect(report).toMatchObject({ slot: id, backupId: id });
    const displaced = report.displaced.find(({ from }) => from === here.at('upload'))?.to ?? '';
    expect(fs.readFileSync(displaced, 'utf8')).toBe('nowhere else');
    expect(displaced.startsWith(path.join(info.directory, 'displaced/'))).toBe(true);
    expectNothingOpen(here);
  });

  it('is laid out as the backup of a module is, and only root can enter it', async () => {
    const here = scene({ f: 'x' });
    const state = here.stateManager();
    await state.backupModuleState('app', { files: [here.live] });
    const { directory } = await state.snapshots.captureFileState([here.live], '');
    expect(fs.readdirSync(directory).sort()).toEqual(fs.readdirSync(`${here.backupDir}/app_backup`).sort());
    for (const place of [path.dirname(directory), directory]) expect(fs.statSync(place).mode & 0o777).toBe(0o700);
  });

  it('is no backup of a module, and no backup takes its place', async () => {
    const here = scene({ f: 'one' });
    const state = here.stateManager();
    const { id } = await state.snapshots.captureFileState(here.at('f'), 'one');
    here.write('f', 'two');
    await state.backupModuleState('app', { files: [here.at('f')] });
    await state.backupModuleState(id, { files: [here.at('f')] });
    expect(Object.keys(state.listModuleBackups().backups).sort()).toEqual(['app', id].sort());
    await state.snapshots.restoreSnapshot(id);
    expect(here.read('f')).toBe('one');
    expect(await state.removeModuleBackup(id)).toBe(true);
    expect(state.snapshots.getSnapshot(id).description).toBe('one');
  });

  it('may be taken inside a guard, and outlives its failure', async () => {
    const here = scene({ f: 'one' });
    const state = here.stateManager();
    const taken: string[] = [];
    const outcome = await state.attempt('app', { files: [here.live] }, async () => {
      here.write('f', 'two');
      taken.push((await state.snapshots.captureFileState(here.live, 'half-way')).id);
      throw new Error('no');
    });
    expect([outcome.status, here.read('f')]).toEqual(['reverted', 'one']);
    await state.snapshots.restoreSnapshot(taken[0] ?? '');
    expect(here.read('f')).toBe('two');
  });

  it('needs no state manager, and no state directory', async () => {
    const here = scene({ f: 'one' });
    const { id } = await new StateCapture(here.backupDir).captureFileState(here.live, 'alone');
    expect(new StateCapture({ backupDir: here.backupDir }).getSnapshot(id).description).toBe('alone');
  });

  it.each<[string, (capture: StateCapture) => Promise<unknown>, string, RegExp]>([
    [
      'no path',
      (capture) => capture.captureFileState([], ''),
      'invalid-request',
      /^cannot capture a snapshot: nothing/,
    ],
    ['no unit', (capture) => capture.captureServiceState([], ''), 'invalid-request', /nothing to capture is named$/],
    ['a relative path', (capture) => capture.captureFileState('etc', ''), 'invalid-path', /^cannot capture etc: /],
    [
      'a description that is none',
      (capture) => capture.captureFileState('/etc/hosts', 7 as unknown as string),
      'invalid-request',
      /^cannot capture a snapshot: description: /,
    ],
  ])('of %s is refused, and nothing is left', async (_, take, code, message) => {
    const here = scene();
    await expect(take(captureOf(here))).rejects.toThrow(coded(code, message));
    expect(captureOf(here).listSnapshots()).toEqual({ snapshots: [], damaged: {} });
  });
});

describe('a snapshot of a database', () => {
  it('brings back its rows, and names it without a password', async () => {
    const here = scene();
    const { connection, sql, rows } = sqliteScene();
    const capture = captureOf(here);
    const { id, ...info } = await capture.captureDatabaseState({ ...connection }, 'before the migration');
    expect(info).toMatchObject({ type: 'database', files: [], databases: [{ type: 'sqlite' }] });
    sql('DELETE FROM orders');
    await capture.restoreSnapshot(id);
    expect(rows('SELECT count(*) FROM orders')).toEqual([[1000]]);
    expect(await capture.verifySnapshot(id)).toEqual([]);
  });

  it('may be one with files and a record of the system', async () => {
    const here = scene({ f: 'old' });
    const { connection, sql, rows } = sqliteScene();
    const capture = captureOf(here);
    const state = { files: [here.live], databases: [{ ...connection }] };
    const { id, type } = await capture.captureSystemState(state, 'all');
    here.write('f', 'new');
    sql('DELETE FROM orders');
    await capture.restoreSnapshot(id);
    expect([type, here.read('f'), rows('SELECT count(*) FROM orders')]).toEqual(['system', 'old', [[1000]]]);
  });
});

describe('a snapshot of the system', () => {
  it('records the release, the kernel and the packages, and a restore tells what is different now', async () => {
    const here = scene({ f: 'x' });
    const capture = captureOf(here);
    const { id, type, system, directory } = await capture.captureSystemState({ files: [here.live] }, 'all');
    const kernel = (await runCommand(['uname', '-r'])).stdout.toString().trim();
    expect([type, system?.kernel]).toEqual(['system', kernel]);
    const dpkg = await runCommand(['dpkg-query', '-W', '-f=${Version}', 'coreutils']);
    expect(system?.packages?.['coreutils']).toBe(dpkg.stdout.toString());
    await capture.restoreSnapshot(id);
    expect(here.said).toEqual([]);

    const manifest = path.join(directory, 'manifest.json');
    const { snapshot, ...rest } = readManifest(directory);
    const then = { ...system, kernel: '4.4.0', packages: { ...system?.packages, coreutils: '0.1', gone: '1.0' } };
    const older = { ...rest, snapshot: { ...snapshot, system: then } } as Parameters<typeof writeManifest>[1];
    fs.rmSync(manifest);
    writeManifest(directory, older);
    await capture.restoreSnapshot(id);
    expect(here.said).toEqual([
      `warn since snapshot ${id} was taken: kernel was 4.4.0, and is ${kernel}`,
      `warn since snapshot ${id} was taken: 2 packages are not as they were: coreutils 0.1 -> ${dpkg.stdout}, gone 1.0 -> absent`,
    ]);
  });

  it('may hold nothing but that record', async () => {
    const capture = captureOf(scene());
    const { id, files } = await capture.captureSystemState({}, 'only the record');
    expect(files).toEqual([]);
    expect(await capture.verifySnapshot(id)).toEqual([]);
    expect((await capture.restoreSnapshot(id)).restored).toEqual([]);
  });
});

describe('snapshots', () => {
  it('are listed newest first, however fast they were taken', async () => {
    const here = scene({ f: 'x' });
    const capture = captureOf(here);
    const ids: string[] = [];
    for (const description of ['one', 'two', 'three']) {
      ids.unshift((await capture.captureFileState(here.live, description)).id);
    }
    expect(new Set(ids).size).toBe(3);
    const { snapshots, damaged } = capture.listSnapshots();
    expect(snapshots.map(({ id }) => id)).toEqual(ids);
    expect(damaged).toEqual({});
  });

  it('are found by the beginning of an id, if only one begins so', async () => {
    const here = scene({ f: 'one' });
    const capture = captureOf(here);
    const { id } = await capture.captureFileState(here.live, '');
    expect(capture.getSnapshot(id.slice(0, 5)).id).toBe(id);
    const twin = id.slice(0, 11) + (id.endsWith('0') ? '1' : '0');
    fs.cpSync(path.join(here.backupDir, 'snapshots', id), path.join(here.backupDir, 'snapshots', twin), {
      recursive: true,
    });
    const several = coded('invalid-request', `"${id.slice(0, 11)}" is the beginning of 2 ids`);
    expect(() => capture.getSnapshot(id.slice(0, 11))).toThrow(several);
    await expect(capture.restoreSnapshot(id.slice(0, 11))).rejects.toThrow(
      expect.objectContaining({ hint: `give more of it: ${[id, twin].sort().join(', ')}` }),
    );
    await expect(capture.removeSnapshot(id.slice(0, 11))).rejects.toThrow(several);
    expect(capture.getSnapshot(id).id).toBe(id);
  });

  it('are named as the nearest when one digit of an id is wrong', async () => {
    const capture = captureOf(scene({ f: 'one' }));
    const { id } = await capture.captureFileState(scene({ f: 'one' }).live, '');
    const wrong = (id.startsWith('0') ? '1' : '0') + id.slice(1);
    expect(() => capture.getSnapshot(wrong)).toThrow(
      expect.objectContaining({ code: 'no-backup', hint: `did you mean "${id}"? see: updater snapshots list` }),
    );
  });

  it.each<[unknown, string, RegExp]>([
    ['0', 'no-backup', /^there is no snapshot 0 in \/.*\/snapshots$/],
    ['', 'invalid-request', /^"" cannot be the id of a snapshot$/],
    ['../app_backup', 'invalid-request', /cannot be the id/],
    ['ABCDEF', 'invalid-request', /cannot be the id/],
    ['0123456789abc', 'invalid-request', /cannot be the id/],
    [undefined, 'invalid-request', /cannot be the id/],
  ])('are not found by %j', async (id, code, message) => {
    const capture = captureOf(scene());
    const refused = coded(code, message);
    expect(() => capture.getSnapshot(id as string)).toThrow(refused);
    await expect(capture.restoreSnapshot(id as string)).rejects.toThrow(refused);
    await expect(capture.verifySnapshot(id as string)).rejects.toThrow(refused);
    await expect(capture.removeSnapshot(id as string)).rejects.toThrow(refused);
  });

  it('need no index: it is written anew whenever it is lost, or says something else', async () => {
    const here = scene({ f: 'x' });
    const capture = captureOf(here);
    const { id } = await capture.captureFileState(here.live, 'kept');
    const index = fs.readFileSync(indexOf(here), 'utf8');
    expect(JSON.parse(index)).toMatchObject({ format: 1, snapshots: [{ id, type: 'file', description: 'kept' }] });
    for (const damage of ['', '{', '{"format": 1, "snapshots": []}', undefined]) {
      if (damage === undefined) fs.rmSync(indexOf(here));
      else fs.writeFileSync(indexOf(here), damage);
      expect(capture.listSnapshots().snapshots).toHaveLength(1);
      await here.stateManager().recover();
      expect(fs.readFileSync(indexOf(here), 'utf8')).toBe(index);
    }
  });

  it('that are damaged are listed as such, refused by a restore, and can be removed', async () => {
    const here = scene({ f: 'old' });
    const capture = captureOf(here);
    const good = await capture.captureFileState(here.live, 'good');
    const bad = await capture.captureFileState(here.live, 'bad');
    here.write('f', 'new');
    const copy = path.join(bad.directory, 'files', here.at('f'));
    fs.writeFileSync(copy, 'odd');
    expect(await capture.verifySnapshot(bad.id)).toEqual([`${copy} does not match its SHA-256`]);
    await expect(capture.restoreSnapshot(bad.id)).rejects.toThrow(coded('damaged'));
    fs.appendFileSync(path.join(bad.directory, 'manifest.json'), 'x');
    expect(await capture.verifySnapshot(bad.id)).toEqual([expect.stringMatching(/^the backup is damaged: .*manifest/)]);
    expect(Object.keys(capture.listSnapshots().damaged)).toEqual([bad.id]);
    await expect(capture.restoreSnapshot(bad.id)).rejects.toThrow(coded('damaged'));
    expect(here.read('f')).toBe('new');
    expectNothingOpen(here);
    expect(await capture.removeSnapshot(bad.id)).toBe(bad.id);
    expect(capture.listSnapshots().snapshots.map(({ id }) => id)).toEqual([good.id]);
  });

  it('under the name of another are refused: an id says what it holds', async () => {
    const here = scene({ f: 'old' });
    const capture = captureOf(here);
    const { id } = await capture.captureFileState(here.live, '');
    rename(here, id, '0123456789ab');
    expect(capture.listSnapshots()).toMatchObject({
      snapshots: [],
      damaged: { '0123456789ab': expect.stringMatching(`is the manifest of ${id}, backup ${id}$`) as string },
    });
  });

  it('that a crash left half-made have no name, and go', async () => {
    const here = scene({ f: 'x' });
    const capture = captureOf(here);
    const { directory } = await capture.captureFileState(here.live, '');
    const half = path.join(path.dirname(directory), temporaryName());
    fs.cpSync(directory, half, { recursive: true });
    expect(capture.listSnapshots().snapshots).toHaveLength(1);
    await here.stateManager().recover();
    expect(fs.existsSync(half)).toBe(false);
  });
});

describe('a restore of a snapshot that was cut', () => {
  it('is completed by the next recovery, and until then the snapshot stays', async () => {
    const here = scene({ a: 'old', b: 'old' });
    const capture = captureOf(here);
    const { id } = await capture.captureFileState([here.at('a'), here.at('b')], '');
    for (const name of ['a', 'b']) here.write(name, 'new');
    openIntent(buildEngine({ backupDir: here.backupDir, stateDir: here.stateDir }), {
      kind: 'snapshot',
      slot: id,
      backup_id: id,
      claims: [],
      parent: null,
    });
    here.write('a', 'old');
    const other = new StateCapture({ backupDir: here.backupDir, stateDir: here.stateDir, lock: 'inherited' });
    await expect(other.removeSnapshot(id)).rejects.toThrow(coded('overlap', /^cannot remove snapshot/));
    expect(journalOf(here)).toHaveLength(1);
    const { found } = await here.stateManager().recover();
    expect(found).toMatchObject([
      { slot: id, kind: 'snapshot', outcome: 'restored', report: { restored: [here.at('b')] } },
    ]);
    expect([here.read('a'), here.read('b')]).toEqual(['old', 'old']);
    expectNothingOpen(here);
  });
});
