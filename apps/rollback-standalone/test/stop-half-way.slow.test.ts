import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeTree } from '@homeserver/test-support';
import { describe, expect, it, onTestFinished } from 'vitest';
import { canMount, inMountNamespace } from './support/as-root.ts';
import { startFixture } from './support/fixture-process.ts';
import { program } from './support/rollback.ts';
import { makeServer } from './support/server.ts';

/** Runs the program where no file can grow beyond 512 kB: the third file of a restore cannot be written. */
function rollbackWithSmallFiles(...args: string[]): { exitCode: number | null; stderr: string } {
  const script = 'trap "" XFSZ; ulimit -f 1000; exec "$@"';
  const { status, stderr } = spawnSync('/bin/sh', ['-c', script, 'sh', process.execPath, program, ...args], {
    encoding: 'utf8',
  });
  return { exitCode: status, stderr };
}

describe('a restore that fails', () => {
  it('before anything was touched exits 4 and says so', async () => {
    const { backups, live, backUp, rollback: run } = makeServer();
    await backUp('album', { a: 'small', b: Buffer.alloc(1_000_000, 'big'), c: 'small' });
    for (const name of ['a', 'b']) fs.rmSync(path.join(live, 'album', name));
    const before = describeTree(path.join(live, 'album'));
    const args = ['--restore-backup', 'album', '--yes', '--backup-dir', backups];
    const { exitCode, stderr } = rollbackWithSmallFiles(...args);
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(
      /^rollback-standalone: cannot restore: \S+\/live\/album\/b: EFBIG: .*\n {2}nothing live was touched\n$/,
    );
    expect(describeTree(path.join(live, 'album'))).toEqual(before);
    expect(run('--recover').stdout).toBe('Nothing was open.\n');
  });

  const isRoot = canMount('a restore onto a full disk');
  it.runIf(isRoot)(
    'on a full disk puts back what there is room for, names the rest, and is completed later',
    async () => {
      const { backups, live, backUp } = makeServer();
      const script = `mount -t tmpfs -o size=8m tmpfs "$1"; cp -a "$2/." "$1"; live=$1 was=$2; shift 2
      rm "$live/album/a" "$live/album/b"
      head -c 6500000 /dev/zero > "$live/junk"
      "$@" --restore-backup album --yes && exit 1; echo "exit $?"
      ls "$live/album"; rm "$live/junk"
      "$@" --recover && diff -r "$live/album" "$was/album"`;
      await backUp('album', { a: Buffer.alloc(1_000_000, 'a'), b: Buffer.alloc(1_000_000, 'b'), c: 'small' });
      const was = path.join(live, '../was');
      fs.cpSync(live, was, { recursive: true });
      const { exitCode, stdout, stderr } = inMountNamespace(
        script,
        live,
        was,
        process.execPath,
        program,
        '--backup-dir',
        backups,
      );
      expect(stdout).toContain('exit 4\na\nc\n');
      expect(stderr).toMatch(
        /^rollback-standalone: cannot restore \S+\/live\/album\/b: ENOSPC: .*\n {2}everything else is back; free some space/m,
      );
      expect(stdout).toMatch(/^album: the interrupted restore is complete: 1 put back/m);
      expect(exitCode).toBe(0);
    },
  );
});

describe('a signal', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    '%s in the middle of a recovery ends it only when it is complete',
    async (signal) => {
      const { backups, live, backUp, rollback: run } = makeServer();
      await backUp('adblock', { list: 'one' });
      const was = describeTree(live);
      const log = path.join(backups, '..', 'log');
      const updater = startFixture('change-and-wait.ts', {
        backupDir: backups,
        slot: 'adblock',
        directory: `${live}/adblock`,
        afterRestore: [`echo begun >> ${log}`, 'sleep 1', `echo done >> ${log}`],
      });
      expect(await updater.line()).toBe('changed');
      await updater.kill();
      const child = spawn(process.execPath, [program, '--recover', '--backup-dir', backups], { stdio: 'pipe' });
      onTestFinished(() => void child.kill('SIGKILL'));
      let stderr = '';
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      while (!fs.existsSync(log)) await sleep(10);
      child.kill(signal);
      child.kill(signal);
      const numbers = { SIGTERM: 15, SIGINT: 2, SIGHUP: 1 };
      expect(await once(child, 'close')).toEqual([128 + numbers[signal], null]);
      expect(stderr).toBe(`rollback-standalone: ${signal}: this is finished first\n`);
      expect(fs.readFileSync(log, 'utf8')).toBe('begun\ndone\n');
      expect(describeTree(live)).toEqual(was);
      expect(run('--recover').stdout).toBe('Nothing was open.\n');
    },
  );

  it('kill -9 in the middle of a restore leaves what --recover completes', { timeout: 180_000 }, async () => {
    const { backups, live, backUp, rollback: run } = makeServer();
    const names = Array.from({ length: 500 }, (_, number) => `photo-${number}`);
    await backUp('album', Object.fromEntries(names.map((name) => [name, `content of ${name}`])));
    const album = path.join(live, 'album');
    const was = describeTree(album);
    const journal = path.join(backups, 'journal');
    let cuts = 0;
    for (const delayMs of [0, 10, 30, 60]) {
      for (const name of names) fs.writeFileSync(path.join(live, 'album', name), 'lost');
      const child = spawn(process.execPath, [program, '--restore-backup', 'album', '--yes', '--backup-dir', backups]);
      const ended = once(child, 'exit');
      while (child.exitCode === null && !hasNote(journal)) await sleep(1);
      await sleep(delayMs);
      child.kill('SIGKILL');
      await ended;
      if (hasNote(journal)) cuts += 1;
      expect(run('--recover').exitCode).toBe(0);
      expect(describeTree(album)).toEqual(was);
    }
    expect(cuts).toBeGreaterThan(0);
  });
});

function hasNote(journal: string): boolean {
  return fs.existsSync(journal) && fs.readdirSync(journal).some((name) => name.endsWith('.json'));
}
