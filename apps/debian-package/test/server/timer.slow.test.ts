import fs from 'node:fs';
import path from 'node:path';
import {
  connectServers,
  createSigningKey,
  describeOnServers,
  MAINTAINER,
  signWith,
  startServer,
  temporaryDirectory,
  type GitRepository,
  type Server,
} from '@homeserver/test-support';
import { beforeAll, expect, it } from 'vitest';
import { configure, journalOf, PACKAGES, runService, startHomeServer, waitUntil } from './support/home-server.ts';
import { maintainersRepository, moduleTree, push } from './support/update-repository.ts';

/* The owner installs the package, says where the repository is, and forgets about it: the timer does the rest, over the network. */

const REPOSITORY = '/srv/git/updates.git';

/** Keeps a file at the module's version, guarded. */
const keeps = (file: string): string => `
  if (fs.existsSync('${file}') && fs.readFileSync('${file}', 'utf8') === context.version) return { success: true, changed: false };
  await context.state.guard(context.name, { files: ['${file}'] }, async () => fs.writeFileSync('${file}', context.version));
  context.log.info('wrote ${file}');
  return { success: true, changed: true };`;

/** A user git on another server lets the home server in, by ssh, and to git alone. */
async function letIn(gitServer: Server, home: Server, address: string): Promise<void> {
  await gitServer.run(
    'useradd --create-home --shell /usr/bin/git-shell git && install -d -m 700 -o git -g git /home/git/.ssh',
  );
  // What serves the repository is no git of the updater.
  await gitServer.run(
    `echo 'SetEnv ${MAINTAINER}=1' > /etc/ssh/sshd_config.d/maintainer.conf && systemctl reload-or-restart ssh`,
  );
  await home.run("ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519");
  await gitServer.copyIn(path.join(home.root, 'root/.ssh/id_ed25519.pub'), '/home/git/.ssh/authorized_keys');
  await gitServer.run('chown git: /home/git/.ssh/authorized_keys');
  await home.run(`ssh-keyscan ${address} > /root/.ssh/known_hosts 2>/dev/null`);
}

/** As `systemctl edit homeserver-updates.timer` has it: not at night, but every few seconds. */
async function makeTimerSoon(server: Server): Promise<void> {
  const dropIn = path.join(server.root, 'etc/systemd/system/homeserver-updates.timer.d/soon.conf');
  fs.mkdirSync(path.dirname(dropIn));
  fs.writeFileSync(dropIn, '[Timer]\nOnCalendar=\nOnCalendar=*:*:0/5\nRandomizedDelaySec=0\nAccuracySec=100ms\n');
  await server.run('systemctl daemon-reload && systemctl restart homeserver-updates.timer');
}

/** What is under way ends first. */
async function stopTimer(server: Server): Promise<void> {
  await server.run('systemctl stop homeserver-updates.timer');
  await waitUntil(server, '! systemctl is-active homeserver-updates.service | grep -q activating');
}

await describeOnServers(
  'a server that is left to itself',
  () => {
    let home: Server;
    let gitServer: Server;
    let repository: GitRepository;
    const publish = async (version: string): Promise<void> => {
      const motd = moduleTree('motd', { version, main: keeps('/etc/motd') });
      const issue = moduleTree('issue', { version: '2.1.0', main: keeps('/etc/issue') });
      await repository.commit({ modules: { motd, issue } });
      await push(repository, gitServer, REPOSITORY, 'git');
    };

    beforeAll(async () => {
      repository = await maintainersRepository();
      [home, gitServer] = await Promise.all([startHomeServer(), startServer({ packages: PACKAGES })]);
      return () => Promise.all([home.stop(), gitServer.stop()]);
    });

    it('pulls by its timer what a git server on the network has, and runs it', async () => {
      const [, address] = await connectServers(home, gitServer);
      await letIn(gitServer, home, address);
      const key = await createSigningKey(path.join(temporaryDirectory(), 'maintainer'));
      await signWith(repository, key);
      await publish('1.0.0');
      await home.copyIn(`${key.file}.pub`, '/root/maintainer.pub');
      await home.run('updater trust init /root/maintainer.pub');
      await configure(home, { repoUrl: `ssh://git@${address}${REPOSITORY}` });
      await makeTimerSoon(home);
      await waitUntil(home, 'grep -q 1.0.0 /etc/motd && grep -q 2.1.0 /etc/issue');
      await stopTimer(home);

      const journal = await journalOf(home, 'homeserver-updates', '-o cat');
      const told = [
        'Repository: ssh://git@10.77.0.2/srv/git/updates.git',
        'Module motd needs update: not installed → 1.0.0',
        'Updated module motd',
        'motd: wrote /etc/motd',
        "✓ Module 'motd' executed successfully",
        'Update orchestration completed:',
        'Finished homeserver-updates.service - Update this server, and run its update modules.',
      ];
      expect(journal.split('\n').filter((line) => told.includes(line))).toEqual(expect.arrayContaining(told));
      expect(journal).not.toMatch(/\[(INFO|WARNING|ERROR)\]|\u001b/); // The journal has times, levels and colours of its own.
      const status = await home.run('updater status');
      expect(status).toMatch(/^issue +2\.1\.0 +succeeded .*ok\nmotd +1\.0\.0 +succeeded .*ok\nLast run .*: ok$/m);
      expect(await home.run('updater history')).toMatch(/ok +2 updated, 2 run/);
    });

    it('does nothing with what is not signed, and says so', async () => {
      await signWith(repository, undefined);
      await publish('3.0.0');
      expect(await runService(home)).toBe(false);
      expect(await journalOf(home, 'homeserver-updates', '-p warning -o cat')).toMatch(
        /refused the commit .*: it has no signature/,
      );
      expect(await home.run('cat /etc/motd')).toBe('1.0.0');
    });
  },
  { packages: PACKAGES },
);
