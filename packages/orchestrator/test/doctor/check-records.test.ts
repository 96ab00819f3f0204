import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { acquireLock } from '@homeserver/system';
import { expect, it, onTestFinished } from 'vitest';
import { checkLock } from '../../src/doctor/check-records.ts';
import { home, type Home } from '../support.ts';

it('whoever is at work, at the lock or its twin, is named and no problem', async () => {
  const { server } = home();
  expect(checkLock(server.paths)).toEqual({ status: 'ok', message: 'no other updater is at work' });
  const twin = await acquireLock(path.join(server.paths.backupDir, 'lock'), {
    purpose: 'rollback-standalone --recover',
  });
  const since = /since \d{4}-\d\d-\d\dT\d\d:\d\d UTC$/;
  expect(checkLock(server.paths)).toEqual({
    status: 'ok',
    message: expect.stringMatching(
      new RegExp(`^"rollback-standalone --recover" is at work \\(pid ${process.pid}\\), ${since.source}`),
    ),
  });
  const lock = await acquireLock(server.paths.lock, { purpose: 'updater run --legacy' });
  expect(checkLock(server.paths)).toEqual({
    status: 'ok',
    message: expect.stringMatching(new RegExp(`^a run is going on \\(pid ${process.pid}\\), ${since.source}`)),
  });
  for (const one of [lock, twin]) one.release();
});

it('a link in the place of the lock, which nobody can take, is a problem', () => {
  const { server } = home();
  fs.mkdirSync(server.paths.stateDir, { recursive: true });
  fs.symlinkSync('/nonexistent', server.paths.lock);
  expect(checkLock(server.paths)).toEqual({
    status: 'error',
    message: `${server.paths.lock} is no regular file: nobody can take the lock`,
    mend: `mv ${server.paths.lock} ${server.paths.lock}.old`,
  });
});

it('what keeps the lock of an updater that has ended is a problem, and so is one that does not say who it is', async () => {
  const here = home();
  const { lock } = here.server.paths;
  await heldByRemnant(here);
  const mend = `fuser -v ${lock}`;
  fs.writeFileSync(lock, JSON.stringify({ pid: 2 ** 22 + 1, purpose: 'updater run', since: 1_700_000_000 }));
  expect(checkLock(here.server.paths)).toEqual({
    status: 'warning',
    message: `what pid 4194305 (updater run) has left behind holds ${lock} since 2023-11-14T22:13 UTC`,
    mend,
  });
  fs.writeFileSync(lock, '');
  expect(checkLock(here.server.paths)).toEqual({ status: 'warning', message: `another process holds ${lock}`, mend });
});

/** A process that has nothing to do with us has the lock. */
async function heldByRemnant({ server }: Home): Promise<void> {
  fs.mkdirSync(path.dirname(server.paths.lock), { recursive: true });
  const child = spawn('flock', [server.paths.lock, 'sh', '-c', 'echo; exec sleep 60'], { detached: true });
  onTestFinished(() => void process.kill(-(child.pid as number), 'SIGKILL'));
  await once(child.stdout, 'data');
}
