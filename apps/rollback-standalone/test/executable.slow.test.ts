import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeTree, temporaryDirectory } from '@homeserver/test-support';
import { beforeAll, describe, expect, it } from 'vitest';
import { canMount, inMountNamespace } from './support/as-root.ts';
import { executable } from './support/executable.ts';
import { startFixture } from './support/fixture-process.ts';
import { flipByte, makeServer } from './support/server.ts';

let program: string;
beforeAll(() => {
  program = executable();
});

/** A server whose one module has lost its content, and how to bring it back. */
async function makeDamagedServer() {
  const server = makeServer();
  await server.backUp('adblock', { list: 'one', more: { deep: 'two' } });
  const was = describeTree(path.join(server.live, 'adblock'));
  fs.rmSync(path.join(server.live, 'adblock/more'), { recursive: true });
  fs.writeFileSync(path.join(server.live, 'adblock/list'), 'broken');
  return { ...server, was, restore: ['--restore-backup', 'adblock', '--yes', '--backup-dir', server.backups] };
}

/** With an empty environment and no PATH: nothing of this machine can be found by name. */
function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { PATH: '/nonexistent' },
    input: '',
  });
  return { exitCode: status, stdout, stderr };
}

describe('the executable', () => {
  it('lists, verifies and restores with an empty environment, and no bad setting for Node gets in its way', async () => {
    const { live, was, backups, restore } = await makeDamagedServer();
    expect(run('--list-backups', '--backup-dir', backups).stdout).toMatch(/^adblock {2}\d{4}-/);
    expect(run('--verify', '--backup-dir', backups)).toEqual({ exitCode: 0, stdout: 'adblock  good\n', stderr: '' });
    const env = { NODE_OPTIONS: '--no-such-option', NODE_PATH: '/nonexistent' };
    const { status, stderr } = spawnSync(program, restore, { env, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(describeTree(path.join(live, 'adblock'))).toEqual(was);
  });

  it('needs neither the index nor the state directory of the updater', async () => {
    const { live, was, backups, stateDir, restore } = await makeDamagedServer();
    fs.writeFileSync(path.join(backups, 'module_backups.json'), '{"adblock": {"files": ["/etc/passwd"');
    fs.rmSync(stateDir, { recursive: true });
    expect(run('--list-backups', '--backup-dir', backups).stdout).toMatch(/^adblock {2}\d{4}-/);
    expect(run(...restore)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(describeTree(path.join(live, 'adblock'))).toEqual(was);
    const index = JSON.parse(fs.readFileSync(path.join(backups, 'module_backups.json'), 'utf8'));
    expect(index.adblock.files).toEqual([path.join(live, 'adblock')]);
  });

  it('restores the good backups beside a damaged one, which it names and refuses', async () => {
    const { live, backups, backUp, was, restore } = await makeDamagedServer();
    await backUp('dns', { zone: 'three' });
    flipByte(path.join(backups, 'dns_backup/files', live, 'dns/zone'));
    fs.writeFileSync(path.join(live, 'dns/zone'), 'lost');
    const refused = run('--restore-backup', 'dns', '--yes', '--backup-dir', backups);
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toContain(`${backups}/dns_backup/files${live}/dns/zone`);
    expect(fs.readFileSync(path.join(live, 'dns/zone'), 'utf8')).toBe('lost');
    expect(run(...restore)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(describeTree(path.join(live, 'adblock'))).toEqual(was);
  });

  it('lets one of two instances work; the other exits 5 and says who the first is', async () => {
    const { backups, live, backUp } = makeServer();
    await backUp('adblock', { list: 'one' });
    const was = describeTree(live);
    const [begun, goOn] = [path.join(backups, '..', 'begun'), path.join(backups, '..', 'go-on')];
    const updater = startFixture('change-and-wait.ts', {
      backupDir: backups,
      slot: 'adblock',
      directory: `${live}/adblock`,
      afterRestore: [`: > ${begun}`, `while ! [ -e ${goOn} ]; do sleep 0.05; done`],
    });
    expect(await updater.line()).toBe('changed');
    await updater.kill();
    const first = spawn(program, ['--recover', '--backup-dir', backups], { env: {}, stdio: 'ignore' });
    const ended = once(first, 'close');
    while (!fs.existsSync(begun)) await sleep(10);
    for (const args of [['--recover'], ['--restore-backup', 'adblock', '--yes']]) {
      const { exitCode, stderr } = run(...args, '--backup-dir', backups);
      expect(exitCode).toBe(5);
      expect(stderr).toContain(`pid ${first.pid} (recover) holds the lock`);
    }
    fs.writeFileSync(goOn, '');
    expect(await ended).toEqual([0, null]);
    expect(describeTree(live)).toEqual(was);
  });

  it('completes with --recover what was killed in the middle of a restore', async () => {
    const { backups, live, backUp } = makeServer();
    const names = Array.from({ length: 2000 }, (_, number) => `photo-${number}`);
    await backUp('album', Object.fromEntries(names.map((name) => [name, `content of ${name}`])));
    const was = describeTree(path.join(live, 'album'));
    for (const name of names) fs.writeFileSync(path.join(live, 'album', name), 'lost');
    const restore = spawn(program, ['--restore-backup', 'album', '--yes', '--backup-dir', backups], { env: {} });
    const ended = once(restore, 'close');
    const isBegun = () => names.some((name) => fs.readFileSync(path.join(live, 'album', name), 'utf8') !== 'lost');
    while (!isBegun()) await sleep(1);
    restore.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(run('--recover', '--backup-dir', backups).stdout).toMatch(/^album: the interrupted restore is complete/);
    expect(describeTree(path.join(live, 'album'))).toEqual(was);
  });
});

describe('the executable on a machine in a bad state', () => {
  const isRoot = canMount('the executable in a chroot, on a read-only medium, and with noexec everywhere');

  it.runIf(isRoot)('works in a chroot with nothing but its own libraries', async () => {
    const { live, backups, was, restore } = await makeDamagedServer();
    const root = path.join(temporaryDirectory(), 'root');
    copyWithLibraries(program, root);
    for (const disk of [live, backups]) fs.mkdirSync(path.join(root, disk), { recursive: true });
    fs.mkdirSync(path.join(root, 'proc'));
    fs.rmSync(path.join(live, 'adblock/list'));
    fs.mkdirSync(path.join(live, 'adblock/list/deep'), { recursive: true }); // Has to make way, to another disk.
    const script = `root=$1 live=$2 backups=$3; shift 3
      mount --bind "$live" "$root$live"; mount --bind "$backups" "$root$backups"
      env -i /usr/sbin/chroot "$root" /rollback-standalone "$@" && exit 1 # Without /proc it cannot, and says so.
      mount -t proc proc "$root/proc"
      exec env -i /usr/sbin/chroot "$root" /rollback-standalone "$@"`;
    const { exitCode, stderr } = inMountNamespace(script, root, live, backups, ...restore);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: 'rollback-standalone: nothing was touched: /proc is not mounted\n  mount -t proc proc /proc\n',
    });
    expect(describeTree(path.join(live, 'adblock'))).toEqual(was);
  });

  it.runIf(isRoot)('runs from a read-only medium', async () => {
    const { live, was, restore } = await makeDamagedServer();
    const medium = temporaryDirectory();
    fs.copyFileSync(program, path.join(medium, 'rollback-standalone'));
    const script = `mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; cd "$1"; shift; exec ./rollback-standalone "$@"`;
    expect(inMountNamespace(script, medium, ...restore)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(describeTree(path.join(live, 'adblock'))).toEqual(was);
  });

  it.runIf(isRoot)(
    'restores from backups that are mounted read-only, and keeps what was in the way on the other disk',
    async () => {
      const { live, was, backups, restore } = await makeDamagedServer();
      fs.writeFileSync(path.join(live, 'adblock/upload'), 'made since');
      const before = describeTree(backups);
      const displaced = path.join(live, '../displaced');
      const script = 'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; shift; exec "$@"';
      const end = inMountNamespace(script, backups, program, ...restore, '--displaced-dir', displaced);
      expect(end).toMatchObject({ exitCode: 0, stderr: '' });
      expect(end.stdout).toContain(`Nothing is written to ${backups}: what has to make way goes to ${displaced}.\n`);
      expect(describeTree(path.join(live, 'adblock'))).toEqual(was);
      const [, moved = ''] = /^ {2}moved away: \S+upload -> (\S+)$/m.exec(end.stdout) ?? [];
      expect(moved.startsWith(`${displaced}/adblock_backup/displaced/`)).toBe(true);
      expect(fs.readFileSync(moved, 'utf8')).toBe('made since');
      expect(describeTree(backups)).toEqual(before);
    },
  );

  it.runIf(isRoot)('loads its native part where every place for temporary files is mounted noexec', async () => {
    const { live, was, restore } = await makeDamagedServer();
    const script = `medium=$(dirname "$1"); mount --bind "$medium" "$medium"; mount -o remount,bind,ro "$medium"
      for place in /run /dev/shm /var/tmp; do mount -t tmpfs -o noexec tmpfs "$place"; done
      exec "$@"`;
    expect(inMountNamespace(script, program, ...restore)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(describeTree(path.join(live, 'adblock'))).toEqual(was);
    expect(fs.readdirSync('/').filter((name) => name.startsWith('.rollback'))).toEqual([]);
  });
});

function copyWithLibraries(file: string, root: string): void {
  const libraries = spawnSync('ldd', [file], { encoding: 'utf8' }).stdout.match(/\/[^ ]+/g) ?? [];
  for (const library of libraries) {
    fs.mkdirSync(path.join(root, path.dirname(library)), { recursive: true });
    fs.copyFileSync(library, path.join(root, library));
  }
  fs.copyFileSync(file, path.join(root, path.basename(file)));
}
