import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { lockServer } from '../src/lock-server.ts';
import { recoverEarly } from '../src/recover/recover-early.ts';
import { home, refusal, type Home } from './support.ts';

it('is held once; whoever comes second is told by whom, and has changed nothing', async () => {
  const { server, root } = home();
  const lock = await lockServer(server.paths, { purpose: 'updater run' });
  await expect(lockServer(server.paths, { purpose: 'updater restore' })).rejects.toThrow(
    refusal('locked', new RegExp(`^pid ${process.pid} \\(updater run\\) holds the lock ${server.paths.lock}$`)),
  );
  expect(fs.readdirSync(root).sort()).toEqual(['backups', 'state']);
  lock.release();
  (await lockServer(server.paths, { purpose: 'updater run' })).release();
});

it('covers the backup directory too, and gives the first lock back when the second is held', async () => {
  const one = home();
  const other = home();
  const sharing = { ...other.server.paths, backupDir: one.server.paths.backupDir };
  const lock = await lockServer(one.server.paths, { purpose: 'updater run' });
  await expect(lockServer(sharing, { purpose: 'updater run' })).rejects.toThrow(refusal('locked', /backups\/lock$/));
  (await lockServer(other.server.paths, { purpose: 'updater run' })).release();
  lock.release();
});

it('is waited for when asked, and the waiting can be stopped', async () => {
  const { server } = home();
  const lock = await lockServer(server.paths, { purpose: 'updater run' });
  const waiting = lockServer(server.paths, { purpose: 'updater check', waitMs: 10_000 });
  setTimeout(() => lock.release(), 50);
  const next = await waiting;
  const signal = AbortSignal.timeout(50);
  await expect(lockServer(server.paths, { purpose: 'x', waitMs: 10_000, signal })).rejects.toThrow(
    refusal('stopped', /^stopped while waiting for the lock; nothing was touched$/),
  );
  next.release();
});

it('a place that cannot be used is named', async () => {
  const { server, root } = home();
  fs.writeFileSync(path.join(root, 'state'), 'a file is in the way');
  await expect(lockServer(server.paths, { purpose: 'updater run' })).rejects.toThrow(
    /^cannot make the directory .*\/state: EEXIST/,
  );
});

it('is not taken where somebody else could exchange what it protects', async () => {
  const { server, root } = home();
  fs.mkdirSync(path.join(root, 'open/state'), { recursive: true });
  fs.chmodSync(path.join(root, 'open'), 0o777);
  const open = { ...server.paths, stateDir: path.join(root, 'open/state') };
  await expect(lockServer(open, { purpose: 'updater run' })).rejects.toThrow(
    refusal('untrusted', /open can be written to by everybody/),
  );
  fs.symlinkSync('open', path.join(root, 'link'));
  const linked = { ...server.paths, backupDir: path.join(root, 'link/backups') };
  await expect(lockServer(linked, { purpose: 'updater run' })).rejects.toThrow(
    refusal('untrusted', /link is a symlink/),
  );
  expect(fs.readdirSync(root).sort()).toEqual(['link', 'open']);
});

/** The disk of the backups was there once; now there is its empty mount point. */
function homeWithoutBackups(): Home & { mount: () => void } {
  const here = home();
  const { backupDir } = here.server.paths;
  here.server.state.tidy();
  fs.renameSync(backupDir, `${backupDir}-disk`);
  fs.mkdirSync(backupDir, { mode: 0o700 });
  const mount = (): void => {
    expect(fs.readdirSync(backupDir)).toEqual([]);
    fs.rmdirSync(backupDir);
    fs.renameSync(`${backupDir}-disk`, backupDir);
  };
  return { ...here, mount };
}

it('is not taken while the disk of the backups is not mounted: nothing is made in the mount point', async () => {
  const { server, mount } = homeWithoutBackups();
  await expect(lockServer(server.paths, { purpose: 'updater run' })).rejects.toThrow(
    /backups is not the one that was used before$/,
  );
  mount();
  (await lockServer(server.paths, { purpose: 'updater run' })).release();
});

it('waits for the disk of the backups as for another updater, and says so once', async () => {
  const { server, said, mount } = homeWithoutBackups();
  const { backupDir } = server.paths;
  setTimeout(mount, 500);
  (await lockServer(server.paths, { purpose: 'updater run', waitMs: 20_000, logger: server.logger })).release();
  expect(said).toEqual([
    `warn: the backup directory ${backupDir} is not the one that was used before: waiting up to 20 s for its disk`,
  ]);
});

it('is left alone by an early recovery without the disk of the backups, which says what it leaves for later', async () => {
  const { server, said, mount } = homeWithoutBackups();
  expect(await recoverEarly(server)).toBeUndefined();
  expect(said).toEqual([
    expect.stringMatching(/^warn: the backup directory .* before: what was interrupted is put back after the boot, /),
  ]);
  mount();
  expect(await recoverEarly(server)).toEqual({ recovered: [], failed: [] });
});
