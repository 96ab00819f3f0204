import fs from 'node:fs';
import path from 'node:path';
import { describeOnServers, type GitRepository, type Server } from '@homeserver/test-support';
import { beforeAll, expect, it } from 'vitest';
import { configure, journalOf, PACKAGES, runService, startHomeServer, waitUntil } from './support/home-server.ts';
import { maintainersRepository, moduleTree, push } from './support/update-repository.ts';

/* From the package to a working updater and away again: what a Debian user expects of install, remove, purge. */

const REPOSITORY = '/srv/updates.git';
const guarded = `
  fs.mkdirSync('/etc/motd.d', { recursive: true });
  await context.state.guard(context.name, { files: ['/etc/motd.d/home'] }, async () => fs.writeFileSync('/etc/motd.d/home', context.version));
  return { success: true, changed: true };`;

await describeOnServers(
  'the package on a server without Node',
  () => {
    let server: Server;
    let repository: GitRepository;
    const publish = async (version: string, main: string): Promise<void> => {
      await repository.commit({ modules: { motd: moduleTree('motd', { version, main }) } });
      await push(repository, server, REPOSITORY);
    };

    beforeAll(async () => {
      repository = await maintainersRepository();
      server = await startHomeServer();
      return () => server.stop();
    });

    it('installs with what Debian has, and its timers run', async () => {
      expect((await server.attempt('command -v node npm')).stdout).toBe('');
      expect(await server.run('updater --version; rollback-standalone --version')).toMatch(
        /^\d+\.\d+\.\d+\n.*\d+\.\d+\.\d+\n$/,
      );
      const timers = await server.run('systemctl list-timers --all --no-legend');
      expect(timers).toMatch(/homeserver-updates\.timer/);
      expect(timers).toMatch(/homeserver-updates-recover\.timer/);
      expect(await server.run('stat -c "%a %n" /var/lib/homeserver-updates /var/backups/updates')).toBe(
        '700 /var/lib/homeserver-updates\n700 /var/backups/updates\n',
      );
    });

    it('tells when the timer is due, and null while it is stopped', async () => {
      const nextRun = async (): Promise<unknown> => JSON.parse(await server.run('updater status --json')).data.next_run;
      const elapses = 'systemctl show homeserver-updates.timer -p NextElapseUSecRealtime --value';
      const due = Number(await server.run(`date +%s -d "$(${elapses})"`));
      expect(due).toBeGreaterThan(Date.now() / 1000);
      expect(await nextRun()).toBe(due);
      await server.run('systemctl disable --now homeserver-updates.timer');
      expect(await nextRun()).toBeNull();
      expect(await server.run('updater status')).not.toContain('Next run');
      await server.run('systemctl enable --now homeserver-updates.timer');
      expect(await nextRun()).toBeGreaterThan(Date.now() / 1000);
    });

    it('says what is missing, until a repository is set; then modules run, and the journal has their levels', async () => {
      expect(await runService(server)).toBe(false);
      expect(await journalOf(server)).toContain('no repository is set');
      await publish('1.0.0', guarded);
      await configure(server, { repoUrl: `file://${REPOSITORY}` });
      expect(await runService(server)).toBe(true);
      expect(await server.run('cat /etc/motd.d/home')).toBe('1.0.0');
      const journal = await journalOf(server, 'homeserver-updates', '-o json --output-fields=PRIORITY,MESSAGE');
      const said = journal
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { PRIORITY: string; MESSAGE: string });
      expect(said.find(({ MESSAGE }) => MESSAGE === 'Updated module motd')).toMatchObject({ PRIORITY: '6' });
      expect(await server.run('updater status')).toMatch(/^motd +1\.0\.0 +succeeded/m);
      expect(await server.run('updater doctor')).toMatch(/^ok +timer +the next run is due/m);
    });

    it('rolls back a module that fails, and the hook of the owner hears of it', async () => {
      await publish('2.0.0', guarded.replace('return', 'throw new Error("it broke"); return'));
      const hook = path.join(server.root, 'etc/homeserver-updates/on-failure');
      fs.writeFileSync(hook, '#!/bin/sh\ntouch /root/told\n', { mode: 0o755 });
      expect(await runService(server)).toBe(false);
      expect(await server.run('cat /etc/motd.d/home')).toBe('1.0.0');
      expect(await journalOf(server, 'homeserver-updates', '-p warning -o cat')).toMatch(
        /Module 'motd' 2\.0\.0 was rolled back: 1\.0\.0 is back/,
      );
      await waitUntil(server, 'test -e /root/told');
    });

    it('undoes after a power cut what was interrupted, without anybody', async () => {
      await publish(
        '2.1.0',
        guarded
          .replace('async () => fs', 'async () => { fs')
          .replace('context.version)', "'half'); await new Promise((go) => setTimeout(go, 600_000)); }"),
      );
      await server.run('echo mine > /etc/motd.d/home; systemctl start --no-block homeserver-updates.service');
      await waitUntil(server, 'grep -q half /etc/motd.d/home');
      await server.powerCut();
      await server.boot();
      await waitUntil(server, 'grep -q mine /etc/motd.d/home');
      await waitUntil(server, 'journalctl -u homeserver-updates-recover | grep -q "Recovered from an interruption"');
    });

    it('has an emergency program, with the backup of the module', async () => {
      expect(await server.run('rollback-standalone --list-backups')).toContain('motd');
      await server.run('echo other > /etc/motd.d/home && rollback-standalone --restore-backup motd --yes');
      expect(await server.run('cat /etc/motd.d/home')).toBe('mine\n');
    });

    it('goes on where it was, when it was removed and is installed again', async () => {
      await server.run('dpkg --remove homeserver-updates');
      expect((await server.attempt('updater --version')).exitCode).not.toBe(0);
      expect(await server.run('ls /etc/homeserver-updates')).toContain('config.json');
      await server.run('dpkg --install /root/package.deb');
      expect(await server.run('updater status')).toMatch(/^motd +2\.1\.0/m);
      expect(await server.run('systemctl is-active homeserver-updates.timer homeserver-updates-recover.timer')).toBe(
        'active\nactive\n',
      );
      await publish('3.0.0', guarded);
      expect(await runService(server)).toBe(true);
      expect(await server.run('cat /etc/motd.d/home; rollback-standalone --list-backups')).toMatch(/^3\.0\.0motd /);
    });

    it('leaves nothing but the backups and what modules have made, when it is purged', async () => {
      const backups = await server.run('find /var/backups/updates -type f | sort | xargs sha256sum');
      expect(backups).toContain('motd_backup/');
      expect(await server.run('dpkg --purge homeserver-updates 2>&1')).toContain('are kept');
      expect(await server.run('find /var/backups/updates -type f | sort | xargs sha256sum')).toBe(backups);
      expect(await server.run('cat /etc/motd.d/home')).toBe('3.0.0');
      const left = await server.run(`find / -xdev \\( -path '*homeserver*' -o -path '*/updater*' \\) -print -prune`);
      expect(left).toBe('');
      const units = "systemctl list-units --all --no-legend 'homeserver-updates*' | grep -v not-found || true";
      expect(await server.run(units)).toBe('');
    });
  },
  { packages: PACKAGES },
);
