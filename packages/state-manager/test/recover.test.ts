import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { runCommand, temporaryName } from '@homeserver/system';
import { describeTree } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { coded, expectNothingOpen, journalOf } from './expectations.ts';
import { scene, type Scene } from './scene.ts';

async function crash(here: Scene, how: string, request: object = {}): Promise<void> {
  const script = path.join(import.meta.dirname, 'fixtures/crash.ts');
  const result = await runCommand([process.execPath, script, here.root, how, JSON.stringify(request)], {
    env: { PATH: process.env['PATH'] ?? '' },
  });
  expect([result.signal, result.stderr.toString()]).toEqual(['SIGKILL', '']);
}

const intentOf = (here: Scene): string => path.join(here.backupDir, 'journal', journalOf(here)[0] ?? 'none');

function replace(file: string): void {
  fs.rmSync(file);
  fs.mkdirSync(file);
}

describe('after a change that was cut by kill -9', () => {
  it.each(['plain', 'nested'])('recover brings the state before it back, and once is enough (%s)', async (how) => {
    const here = scene({ f: 'old', d: { g: 'x' } });
    const before = describeTree(here.live);
    await crash(here, how);
    expect(here.read('new')).toBe('half');
    const state = here.stateManager();
    expect(state.hasOpenChanges()).toBe(true);
    const { found, damaged } = await state.recover();
    expect(found.at(-1)).toMatchObject({ slot: 'app', kind: 'guard', outcome: 'restored', report: { slot: 'app' } });
    expect([found.length, damaged]).toEqual([how === 'nested' ? 2 : 1, []]);
    expect(describeTree(here.live)).toEqual(before);
    expectNothingOpen(here);
    expect(await state.recover()).toEqual({ found: [], endedProcesses: 0, damaged: [] });
    expect(await state.verifyModuleBackup('app')).toEqual([]);
  });

  it('the next operation recovers by itself before it does anything else', async () => {
    const here = scene({ f: 'old' });
    await crash(here, 'plain');
    await here.stateManager().backupModuleState('app', { files: [here.live] });
    expect([here.read('f'), fs.existsSync(here.at('new'))]).toEqual(['old', false]);
    here.write('f', 'x');
    await here.stateManager().restoreModuleState('app');
    expect(here.read('f')).toBe('old');
    expectNothingOpen(here);
  });

  it.each<[string, string, (journal: string) => void]>([
    ['gone', 'is gone, and with it the note of an open change', () => {}],
    ['a link to elsewhere', 'is no directory', (journal) => fs.symlinkSync('/etc', journal)],
    ['a file', 'is no directory', (journal) => fs.writeFileSync(journal, '')],
  ])('a journal that is %s now is not taken for one in which nothing is open', async (_, why, make) => {
    const here = scene({ f: 'old' });
    await crash(here, 'plain');
    const journal = path.join(here.backupDir, 'journal');
    fs.renameSync(journal, path.join(here.root, 'kept'));
    make(journal);
    const state = here.stateManager();
    expect(state.hasOpenChanges()).toBe(true);
    expect(await state.recover()).toMatchObject({ found: [], damaged: [{ file: journal, why: `${journal} ${why}` }] });
    await expect(state.backupModuleState('app', { files: [here.live] })).rejects.toThrow(
      coded('rollback-failed', journal),
    );
    fs.rmSync(journal, { force: true });
    fs.renameSync(path.join(here.root, 'kept'), journal);
    await state.recover();
    expect(here.read('f')).toBe('old');
    expectNothingOpen(here);
  });

  it.each<[string, (here: Scene, note: string) => void]>([
    ['whose backup is gone', ({ backupDir }) => fs.rmSync(`${backupDir}/app_backup`, { recursive: true })],
    ['whose manifest is damaged', ({ backupDir }) => fs.truncateSync(`${backupDir}/app_backup/manifest.json`, 9)],
    ['whose note is empty', (_, note) => fs.truncateSync(note)],
    ['whose note is a link', (_, note) => (fs.rmSync(note), fs.symlinkSync('/nonexistent', note))],
    [
      'of which only an empty pointer is left',
      ({ stateDir }, note) => (fs.rmSync(note), fs.truncateSync(path.join(stateDir, 'intents', path.basename(note)))),
    ],
    ['whose journal is gone', (_, note) => fs.rmSync(path.dirname(note), { recursive: true })],
    [
      'whose journal is a link to nowhere',
      (_, note) => (fs.rmSync(path.dirname(note), { recursive: true }), fs.symlinkSync('/none', path.dirname(note))),
    ],
  ])('one %s can be given up as it lies, with the command that is named', async (_, lose) => {
    const here = scene({ f: 'old' });
    await crash(here, 'plain');
    lose(here, intentOf(here));
    const state = here.stateManager();
    const [lost] = await state.findLostChanges();
    const { found, damaged } = await state.recover();
    expect([...found, ...damaged]).toMatchObject([{ giveUp: lost?.giveUp }]);
    await expect(state.backupModuleState('other', {})).rejects.toMatchObject({
      code: 'rollback-failed',
      hint: `if it cannot be mended: what that change has touched stays as it is now, and updates go on, after: ${lost?.giveUp}`,
    });
    execFileSync('sh', ['-ec', lost?.giveUp ?? 'false']);
    expect([state.hasOpenChanges(), await state.findLostChanges()]).toEqual([false, []]);
    await state.guard('app', { files: [here.live] }, async () => here.write('f', 'new'));
    expect([here.read('f'), here.read('new')]).toEqual(['new', 'half']);
    expect(await state.recover()).toEqual({ found: [], endedProcesses: 0, damaged: [] });
    expect(fs.readdirSync(path.join(here.stateDir, 'intents')).filter((name) => name.endsWith('.json'))).toEqual([]);
  });

  it('one of whose backup a file is damaged is not given up for lost before a recovery has tried', async () => {
    const here = scene({ f: 'old', g: 'same' });
    await crash(here, 'plain');
    fs.writeFileSync(path.join(here.backupDir, 'app_backup/files', here.at('g')), 'evil');
    const state = here.stateManager();
    expect(await state.findLostChanges()).toEqual([
      { why: expect.stringMatching(/^app: .* \(the change is noted in .*\.json\)$/), giveUp: undefined },
    ]);
  });

  it.each<[string, (slot: string) => void]>([
    ['whose list is a directory', (slot) => replace(`${slot}/reserved.json`)],
    ['whose list is gone', (slot) => fs.rmSync(`${slot}/reserved.json`)],
    ['that is a directory', (slot) => replace(`${slot}/.homeserver-updates-0000000000000000.reserve`)],
  ])('room that was held for it, %s, stands in the way of nothing', async (_, damage) => {
    const here = scene({ f: 'old' });
    await crash(here, 'plain');
    damage(path.join(here.backupDir, 'app_backup'));
    const state = here.stateManager();
    expect(await state.recover()).toMatchObject({ found: [{ outcome: 'restored' }], damaged: [] });
    expect(here.read('f')).toBe('old');
    expectNothingOpen(here);
    await state.guard('app', { files: [here.live] }, async () => here.write('f', 'new'));
    expect(here.read('f')).toBe('new');
    expectNothingOpen(here);
  });

  it('its processes are ended first: nobody writes behind the back of the recovery', async () => {
    const here = scene({ f: 'old' });
    await crash(here, 'orphan');
    expect((await here.stateManager().recover()).endedProcesses).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(here.read('f')).toBe('old');
  });

  it('its afterRestore commands run, and run again if they were cut too', async () => {
    const here = scene({ f: 'old' });
    const lines = [
      `cat ${here.at('f')} >> ${here.root}/built`,
      `[ -e ${here.root}/now ] || kill -9 $PPID`,
      'echo done',
    ];
    await crash(here, 'plain', { afterRestore: lines });
    const script = `import { StateManager } from ${JSON.stringify(path.join(import.meta.dirname, '../src/index.ts'))};
      await new StateManager(${JSON.stringify({ backupDir: here.backupDir, stateDir: here.stateDir })}).recover();`;
    const cut = await runCommand([process.execPath, '--input-type=module-typescript', '-e', script]);
    expect(cut.signal).toBe('SIGKILL');
    fs.writeFileSync(`${here.root}/now`, '');
    expect((await here.stateManager().recover()).found).toMatchObject([
      { outcome: 'restored', afterRestore: { ok: true, output: 'done\n' } },
    ]);
    expect(fs.readFileSync(`${here.root}/built`, 'utf8')).toBe('oldold');
    expectNothingOpen(here);
  });

  it('commands that fail are reported, and do not keep the change open', async () => {
    const here = scene({ f: 'old' });
    await crash(here, 'plain', { afterRestore: ['false'] });
    const { found } = await here.stateManager().recover();
    expect(found).toMatchObject([
      { outcome: 'failed', error: 'everything of app was put back, but then closure line 1 (false) exited 1' },
    ]);
    expect(here.read('f')).toBe('old');
    expectNothingOpen(here);
  });

  it('without its backup it stays noted, is reported, and the others go on', async () => {
    const here = scene({ f: 'old' });
    await crash(here, 'nested');
    fs.rmSync(`${here.backupDir}/app_backup`, { recursive: true });
    const state = here.stateManager();
    const { found } = await state.recover();
    expect(found.map(({ slot, outcome }) => [slot, outcome])).toEqual([
      ['inner', 'restored'],
      ['app', 'failed'],
    ]);
    expect(found[1]?.error).toMatch(
      /^there is no backup of app with id [0-9a-f]{12} \(the change is noted in \/.*\/journal\/[0-9a-f]{16}\.json\)$/,
    );
    expect(journalOf(here)).toHaveLength(1);
    await expect(state.backupModuleState('other', {})).rejects.toThrow(
      coded('rollback-failed', /^an earlier change could not be undone: there is no backup of app/),
    );
  });
});

async function withOpenSession(): Promise<Scene> {
  const here = scene({ f: 'zero' });
  const state = here.stateManager({ lock: 'inherited', run: 'gone', session: 'module' });
  await state.guard('app', { files: [here.at('f')] }, async () => here.write('f', 'one'));
  return here;
}

const sessionOf = (here: Scene): string =>
  journalOf(here)
    .map((name) => path.join(here.backupDir, 'journal', name))
    .find((file) => fs.readFileSync(file, 'utf8').includes('"session"')) ?? '';

describe('notes in the journal', () => {
  it('of a run that did not get to its end are undone', async () => {
    const here = await withOpenSession();
    expect((await here.stateManager().recover()).found).toMatchObject([{ slot: 'app', outcome: 'restored' }]);
    expect(here.read('f')).toBe('zero');
    expectNothingOpen(here);
  });

  it('of a run that was being made final are made final', async () => {
    const here = await withOpenSession();
    fs.rmSync(sessionOf(here));
    expect((await here.stateManager().recover()).found).toEqual([{ slot: 'app', kind: 'guard', outcome: 'committed' }]);
    expect(here.read('f')).toBe('one');
    expectNothingOpen(here);
  });

  it.each<[string, string, RegExp]>([
    ['garbage', 'gar\0bage', /JSON/],
    ['empty', '', /JSON/],
    ['cut off', '{"format": 1, "id": "0123', /JSON/],
    ['of a newer format', '{"format": 2}', /^format: /],
  ])('that are %s are reported and kept, and nothing goes on before a person has looked', async (_, content, why) => {
    const here = scene({ f: 'old', g: 'old' });
    const state = here.stateManager();
    await state.backupModuleState('other', { files: [here.at('g')], keep: 2 });
    await crash(here, 'plain');
    const file = intentOf(here);
    fs.writeFileSync(file, content);
    const { found, damaged } = await state.recover();
    expect([found, damaged]).toEqual([
      [],
      [{ file, why: expect.stringMatching(why) as string, giveUp: `mv ${file} ${file}.given-up` }],
    ]);
    expect(fs.readFileSync(file, 'utf8')).toBe(content);
    await expect(state.guard('other', {}, async () => {})).rejects.toThrow(
      coded('rollback-failed', /^an earlier change could not be undone: /),
    );
    expect(state.hasBackup('app')).toBe(true);
    expect(state.hasOpenChanges()).toBe(true);
  });

  it('that cannot be read may need any backup: none goes', async () => {
    const here = scene({ f: 'zero' });
    const state = here.stateManager({ lock: 'inherited', run: 'gone', session: 'module' });
    for (const content of ['one', 'two'])
      await state.guard('app', { files: [here.at('f')] }, async () => here.write('f', content));
    const older = (): string[] => fs.readdirSync(here.backupDir).filter((name) => name.startsWith('app_backup.'));
    expect(older()).toHaveLength(1);
    for (const name of journalOf(here)) fs.writeFileSync(`${here.backupDir}/journal/${name}`, '{');
    await here.stateManager().recover();
    expect(older()).toHaveLength(1);
  });

  it('that cannot be settled do not keep a person from a good backup', async () => {
    const here = scene({ f: 'old', g: 'old' });
    await here.stateManager().backupModuleState('other', { files: [here.at('g')] });
    await crash(here, 'plain');
    fs.rmSync(`${here.backupDir}/app_backup/files`, { recursive: true });
    here.write('g', 'new');
    await here.stateManager().restoreModuleState('other');
    expect(here.read('g')).toBe('old');
    expect(here.said).toContainEqual(expect.stringMatching(/^warn an earlier change could not be undone: /));
    expect(here.stateManager().hasOpenChanges()).toBe(true);
  });

  it('that cannot be read do not keep the others from being undone', async () => {
    const here = scene({ f: 'old' });
    await crash(here, 'plain');
    const other = `${here.backupDir}/journal/0123456789abcdef.json`;
    fs.writeFileSync(other, '');
    const { found, damaged } = await here.stateManager().recover();
    expect([found.length, damaged.map(({ file }) => file)]).toEqual([1, [other]]);
    expect(here.read('f')).toBe('old');
  });

  it('of a session that cannot be read do not count as made final', async () => {
    const here = await withOpenSession();
    fs.writeFileSync(sessionOf(here), '{');
    const { found, damaged } = await here.stateManager().recover();
    expect([found.length, damaged.length]).toEqual([1, 1]);
    expect(here.read('f')).toBe('zero');
  });

  it('have pointers in the state directory: one without its note is cleared away, garbage is reported', async () => {
    const here = scene();
    const state = here.stateManager();
    await state.guard('app', {}, async () => {});
    const pointer = `${here.stateDir}/intents/0123456789abcdef.json`;
    fs.writeFileSync(pointer, JSON.stringify({ format: 1, backup_dir: here.backupDir }));
    expect(await state.recover()).toMatchObject({ found: [], damaged: [] });
    expect(fs.existsSync(pointer)).toBe(false);
    fs.writeFileSync(pointer, '{');
    expect((await state.recover()).damaged).toMatchObject([{ file: pointer }]);
    expect(fs.existsSync(pointer)).toBe(true);
  });
});

const slot = (here: Scene): string => `${here.backupDir}/app_backup`;

async function backedUp(keep = 1): Promise<Scene> {
  const here = scene({ f: 'one' });
  const state = here.stateManager();
  for (let i = 0; i < keep; i += 1) await state.backupModuleState('app', { files: [here.at('f')], keep });
  return here;
}

describe('what a crash left in the backup directory', () => {
  it('half a backup goes, and the one before stays', async () => {
    const here = await backedUp();
    const half = path.join(here.backupDir, temporaryName());
    fs.mkdirSync(half);
    fs.writeFileSync(`${half}/manifest.json`, '{"format":1,');
    fs.writeFileSync(path.join(here.backupDir, temporaryName()), 'half an index');
    fs.writeFileSync(path.join(here.stateDir, temporaryName()), 'half a record');
    await here.stateManager().recover();
    expectNothingOpen(here);
    expect(fs.readdirSync(here.stateDir).filter((name) => name.startsWith('.'))).toEqual([]);
    expect(await here.stateManager().verifyModuleBackup('app')).toEqual([]);
  });

  it('a backup that was taken out of its slot, and is kept, is found again', async () => {
    const here = await backedUp(2);
    const older = fs.readdirSync(here.backupDir).find((name) => name.startsWith('app_backup.')) ?? '';
    fs.renameSync(`${here.backupDir}/${older}`, path.join(here.backupDir, temporaryName()));
    await here.stateManager().recover();
    expect(fs.existsSync(`${here.backupDir}/${older}`)).toBe(true);
  });

  it('an empty slot is filled by the newest older backup', async () => {
    const here = await backedUp(2);
    fs.rmSync(slot(here), { recursive: true });
    await here.stateManager().recover();
    expect(await here.stateManager().verifyModuleBackup('app')).toEqual([]);
    expectNothingOpen(here);
  });

  it('an older backup that nobody asks for goes; what was displaced moves on to the slot', async () => {
    const here = await backedUp();
    const older = `${slot(here)}.0123456789ab`;
    fs.cpSync(slot(here), older, { recursive: true });
    fs.mkdirSync(`${older}/displaced/20260101T000000Z`, { recursive: true });
    fs.writeFileSync(`${older}/displaced/20260101T000000Z/upload`, 'precious');
    await here.stateManager().recover();
    expectNothingOpen(here);
    expect(fs.readFileSync(`${slot(here)}/displaced/20260101T000000Z/upload`, 'utf8')).toBe('precious');
  });

  it('but not while the slot cannot be read', async () => {
    const here = await backedUp();
    const older = `${slot(here)}.0123456789ab`;
    fs.cpSync(slot(here), older, { recursive: true });
    fs.writeFileSync(`${slot(here)}/manifest.json`, 'damaged');
    await here.stateManager().recover();
    expect(fs.existsSync(older)).toBe(true);
  });

  it('is cleared by tidy() where the lock is inherited', async () => {
    const here = await backedUp();
    fs.writeFileSync(path.join(here.backupDir, temporaryName()), '');
    here.stateManager({ lock: 'inherited' }).tidy();
    expectNothingOpen(here);
  });
});
