import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { asOrdinaryUser, describeTree, temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { asRoot, captureBackup, isRoot, scene, smallFileSystem } from '../scene.ts';
import { StateManager } from '../../src/state-manager.ts';
import { writeRestoreScript } from '../../src/restore-script/write-restore-script.ts';
import { promised, runScript, shells, type End } from './shells.ts';
import { backedUpSite, harm, keptIn, promisedOf, type Site } from './site.ts';

describe.each(shells.map((shell) => [shell.join(' '), shell] as const))('restore.sh under %s', (_, shell) => {
  const run = (script: string, ...args: string[]): End => runScript([...shell, script, ...args]);

  it('puts back everything that it promises, and keeps what was there', async () => {
    const site = await backedUpSite();
    harm(site);
    const { exitCode, stderr, stdout } = run(site.script, '--yes');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(promisedOf(site.live)).toEqual(site.was);
    expect(keptIn(site.live)).toEqual(
      expect.arrayContaining(['web/index', 'web/made since', 'conf/inside', 'conf-link', 'same as index']),
    );
    expect(stdout).toContain(`Put back: ${site.live}/web\n  before: ${site.live}/.before-restore-`);
  });

  it('puts back what has vanished with everything around it', async () => {
    const site = await backedUpSite();
    fs.rmSync(site.live, { recursive: true });
    expect(run(site.script, '--yes')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(promisedOf(site.live)).toEqual(site.was);
    expect(fs.readdirSync(site.live).filter((name) => name.startsWith('.before'))).toEqual([]);
  });

  it('leaves what did not exist then, or moves it away when asked to', async () => {
    const site = await backedUpSite();
    site.write('absent', 'made since');
    expect(run(site.script, '--yes').stdout).toContain(
      `Did not exist then, and is left (--with-absent moves it away): ${site.at('absent')}`,
    );
    expect(site.read('absent')).toBe('made since');
    fs.readdirSync(site.live)
      .filter((name) => name.startsWith('.before-'))
      .forEach((name) => fs.rmSync(site.at(name), { recursive: true }));
    expect(run(site.script, '--yes', '--with-absent')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(fs.existsSync(site.at('absent'))).toBe(false);
    expect(keptIn(site.live)).toContain('absent');
  });

  it('restores below another root, and nowhere else', async () => {
    const site = await backedUpSite();
    harm(site);
    const harmed = describeTree(site.live);
    const disk = temporaryDirectory();
    fs.mkdirSync(path.join(disk, path.dirname(site.live)), { recursive: true });
    expect(run(site.script, '--yes', '--target-root', disk)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(promisedOf(path.join(disk, site.live))).toEqual(site.was);
    expect(describeTree(site.live)).toEqual(harmed);
  });

  it('follows no link that leads out of the other root', async () => {
    const site = await backedUpSite();
    const [disk, outside] = [temporaryDirectory(), temporaryDirectory()];
    fs.mkdirSync(path.join(disk, path.dirname(site.live)), { recursive: true });
    fs.symlinkSync(outside, path.join(disk, site.live));
    const { exitCode, stderr } = run(site.script, '--yes', '--target-root', disk);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: `restore.sh: ${disk}${site.live} was a directory, and is a link now\nrestore.sh: nothing was touched\n`,
    });
    expect(fs.readdirSync(outside)).toEqual([]);
  });

  it('changes nothing when it lists, checks, or is told wrong', async () => {
    const site = await backedUpSite();
    harm(site);
    const before = describeTree(site.root);
    const listed = run(site.script, '--list');
    expect(listed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(listed.stdout).toMatch(/^Backup of site, made on \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(the owner's own\):\n/);
    expect(listed.stdout).toContain(`\n  ${site.at('web')}\n`);
    expect(listed.stdout).toContain(`\n  ${site.at('absent')}  (did not exist)\n`);
    expect(run(site.script, '--check')).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(/^Checking \d+ files \.\.\.\nEvery copy is good\.\n$/),
      stderr: '',
    });
    expect(run(site.script, '--help').stdout).toContain('--target-root DIR');
    const mistakes = [
      [[], 'there is no terminal to ask on: say --yes'],
      [['--yes', '--now'], 'there is no option --now; see --help'],
      [['--yes', '--target-root'], '--target-root needs a directory'],
      [['--yes', '--target-root', '/nonexistent'], '--target-root needs a directory'],
    ] as const;
    for (const [args, message] of mistakes) {
      const { exitCode, stderr } = run(site.script, ...args);
      expect(exitCode).toBe(2);
      expect(stderr).toContain(`restore.sh: ${message}\nrestore.sh: nothing was touched\n`);
    }
    expect(describeTree(site.root)).toEqual(before);
  });

  const damages: [what: string, damage: (site: Site) => string, named: string][] = [
    ['a copy', (site) => `${site.slot}/files${site.live}/same as index`, '/same as index: FAILED'],
    ['a copy with an odd name', (site) => `${site.slot}/files${site.live}/web/back\\slash`, 'back\\slash does not'],
    ['the list', (site) => `${site.slot}/restore.list`, 'restore.list: FAILED'],
    ['a sum', (site) => `${site.slot}/restore.sums`, 'FAILED'],
  ];
  it.each(damages)('refuses when %s is damaged, and names it', async (__, damaged, named) => {
    const site = await backedUpSite();
    harm(site);
    flipByte(damaged(site));
    const before = describeTree(site.live);
    const { exitCode, stdout, stderr } = run(site.script, '--yes');
    expect(exitCode).toBe(4);
    expect(stdout + stderr).toContain(named);
    expect(stderr).toContain('restore.sh: the backup is damaged: ');
    expect(describeTree(site.live)).toEqual(before);
  });

  it('refuses when a line of restore.sums cannot be read', async () => {
    const site = await backedUpSite();
    const sums = fs.readFileSync(`${site.slot}/restore.sums`, 'latin1');
    fs.writeFileSync(`${site.slot}/restore.sums`, sums.replace(/^./m, 'z'), 'latin1');
    expect(run(site.script, '--yes')).toMatchObject({ exitCode: 4 });
  });

  it.each(['restore.sums', 'restore.list'])('refuses when %s is cut short or gone', async (name) => {
    const site = await backedUpSite();
    const file = path.join(site.slot, name);
    const lines = fs.readFileSync(file, 'latin1').split('\n');
    fs.writeFileSync(file, lines.slice(1).join('\n'), 'latin1');
    expect(run(site.script, '--yes')).toMatchObject({ exitCode: 4 });
    fs.rmSync(file);
    expect(run(site.script, '--yes')).toMatchObject({ exitCode: 2 });
  });

  it('restores files with holes, after a look at their size', async () => {
    const here = scene();
    fs.writeFileSync(here.at('image'), 'begin');
    fs.truncateSync(here.at('image'), 5_000_000);
    await here.stateManager().backupModuleState('site', { files: [here.at('image')] });
    const was = describeTree(here.at('image'));
    const script = path.join(here.backupDir, 'site_backup/restore.sh');
    here.write('image', 'lost');
    expect(run(script, '--yes')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(describeTree(here.at('image'), { times: false })).toEqual(was.map((line) => line.replace(/ \d{19}/, '')));
    expect(run(script, '--check').stdout).toContain('Only its size was checked, because it has holes: files');
    fs.truncateSync(path.join(here.backupDir, 'site_backup/files', here.at('image')), 4_000_000);
    expect(run(script, '--yes')).toMatchObject({ exitCode: 4 });
  });

  it('leaves to a database what is its own', () => {
    const here = scene({ app: { 'data.db': 'old rows', deep: { 'log.db': 'old' }, page: 'one' }, other: 'x' });
    const paths = [here.at('app'), here.at('other')];
    const leave = [here.at('app/data.db'), here.at('app/deep/log.db')];
    const { directory, captured } = captureBackup(here, { paths, leave });
    writeRestoreScript(directory, { files: captured });
    here.write('app/data.db', 'new rows');
    here.write('app/page', 'broken');
    fs.rmSync(here.at('app/deep/log.db'));
    expect(run(path.join(directory, 'restore.sh'), '--yes')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(describeTree(here.at('app'), { times: false }).map((line) => line.split(' ')[0])).toEqual([
      '.',
      './data.db',
      './deep',
      './page',
    ]);
    expect([here.read('app/data.db'), here.read('app/page')]).toEqual(['new rows', 'one']);
  });

  it('does what a person who is not root can do with their own', () => {
    const here = scene({ site: { index: 'one', closed: {} } });
    fs.chmodSync(here.at('site/closed'), 0o500);
    if (isRoot)
      for (const name of ['', 'site', 'site/index', 'site/closed']) fs.chownSync(here.at(name), 65_534, 65_534);
    if (isRoot) fs.chownSync(here.root, 65_534, 65_534);
    const was = describeTree(here.at('site'));
    runAsOrdinaryUser(
      process.execPath,
      path.join(import.meta.dirname, '../fixtures/back-up.ts'),
      here.backupDir,
      here.at('site'),
    );
    fs.rmSync(here.at('site'), { recursive: true });
    runAsOrdinaryUser(
      shell[0] as string,
      ...shell.slice(1),
      path.join(here.backupDir, 'site_backup/restore.sh'),
      '--yes',
    );
    expect(describeTree(here.at('site'), { times: false })).toEqual(was.map((line) => line.replace(/ \d{19}/, '')));
  });

  it('loses nothing when it is killed, and completes when it is run again', async () => {
    const site = await backedUpSite();
    harm(site);
    for (const delayMs of [5, 15, 30, 60, 100]) {
      const child = spawn(shell[0] as string, [...shell.slice(1), site.script, '--yes'], { stdio: 'ignore' });
      setTimeout(() => child.kill('SIGKILL'), delayMs);
      await once(child, 'exit');
    }
    expect(run(site.script, '--yes')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(promisedOf(site.live)).toEqual(site.was);
    const everything = fs.readdirSync(site.live, { recursive: true, encoding: 'utf8' });
    expect(everything.filter((name) => name.endsWith('web/made since'))).toHaveLength(1);
  });

  asRoot('touches nothing when there is not enough space', async () => {
    const here = scene();
    const disk = smallFileSystem(3);
    const file = path.join(disk, 'data');
    fs.writeFileSync(file, Buffer.alloc(2_000_000, 'x'));
    await new StateManager({ backupDir: here.backupDir }).backupModuleState('site', { files: [file] });
    fs.writeFileSync(file, Buffer.alloc(2_000_000, 'y'));
    const { exitCode, stderr } = run(path.join(here.backupDir, 'site_backup/restore.sh'), '--yes');
    expect(exitCode).toBe(3);
    expect(stderr).toContain(`restore.sh: cannot make the copy of ${file}: is there enough space?\n`);
    expect(fs.readdirSync(disk)).toEqual(['data']);
    expect(fs.readFileSync(file, 'utf8')).toBe('y'.repeat(2_000_000));
  });

  asRoot('restores in place what is a mount point, and refuses when something is mounted deeper', async () => {
    const here = scene();
    const disk = smallFileSystem(3);
    fs.writeFileSync(path.join(disk, '.photo'), 'one');
    fs.mkdirSync(path.join(disk, 'more/deep'), { recursive: true });
    fs.chmodSync(disk, 0o750);
    await new StateManager({ backupDir: here.backupDir }).backupModuleState('site', { files: [disk] });
    const was = promised(disk)?.slice(1);
    fs.rmSync(path.join(disk, 'more'), { recursive: true });
    fs.writeFileSync(path.join(disk, 'new'), 'an upload');
    fs.chmodSync(disk, 0o700);
    const script = path.join(here.backupDir, 'site_backup/restore.sh');
    expect(run(script, '--yes')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(keptIn(disk)).toEqual(['.photo', 'new']);
    expect(fs.statSync(disk).mode & 0o777).toBe(0o750);
    for (const name of fs.readdirSync(disk)) {
      if (name.startsWith('.before')) fs.rmSync(path.join(disk, name), { recursive: true });
    }
    expect(promised(disk)?.slice(1)).toEqual(was);
    execFileSync('mount', ['-t', 'tmpfs', 'homeserver-test', path.join(disk, 'more/deep')]);
    try {
      const { exitCode, stderr } = run(script, '--yes');
      expect(exitCode).toBe(2);
      expect(stderr).toContain(`something is mounted in ${disk}; first: umount '${disk}/more/deep'`);
    } finally {
      execFileSync('umount', [path.join(disk, 'more/deep')]);
    }
  });
});

function flipByte(file: string): void {
  const content = fs.readFileSync(file);
  const middle = content.length >> 1;
  content[middle] = (content[middle] ?? 0) ^ 1;
  fs.writeFileSync(file, content);
}

function runAsOrdinaryUser(...command: [string, ...string[]]): void {
  execFileSync('env', asOrdinaryUser(command), { stdio: 'pipe', cwd: '/' });
}
