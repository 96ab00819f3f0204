import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { serverFolder } from './support/server-folder.ts';
import { startUpdater } from './support/run-updater.ts';

const isRoot = process.getuid?.() === 0;
/** An ordinary user: we ourselves, or nobody if we are root. */
const through = isRoot ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] : [];

describe('an ordinary user', { timeout: 30_000 }, () => {
  it.each([
    ['run', '/var/log/homeserver', '--log-file'],
    ['recover', '/var/log/homeserver', '--log-file'],
    ['check', '/var/lib/homeserver-updates', '--state-dir'],
  ])(
    'who may not write where %s must ends with 2, told which path it is and how to go on',
    async (command, place, flag) => {
      const { exitCode, stdout, stderr } = await startUpdater([command, '--repo-url', 'file:///nowhere'], { through })
        .ended;
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).toMatch(new RegExp(`^updater: cannot .*${place}.*EACCES.*\\n {2}.*${flag}.*\\n$`));
    },
  );

  it.each(['status', 'history', 'backups list'])(
    'who may not read the server ends "updater %s" with 2',
    async (words) => {
      const server = await serverFolder();
      fs.chmodSync(server.root, 0o755);
      for (const directory of [server.stateDir, server.backupDir]) fs.mkdirSync(directory, { mode: 0o000 });
      const { exitCode, stdout, stderr } = await server.start(words.split(' '), { through }).ended;
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).toMatch(/^updater: .*EACCES.*\n {2}run it as root.*\n$/);
      for (const directory of [server.stateDir, server.backupDir]) fs.chmodSync(directory, 0o700);
    },
  );
});
