import fs from 'node:fs';
import path from 'node:path';
import { describeOnServers, type GitRepository, type Server } from '@homeserver/test-support';
import { beforeAll, expect, it } from 'vitest';
import { configure, journalOf, PACKAGES, runService, startHomeServer, waitUntil } from './support/home-server.ts';
import { maintainersRepository, moduleTree, push } from './support/update-repository.ts';
import { startWebsite, websiteThatSays } from './support/website.ts';

/* The owner keeps the backups on a disk of its own, which is not there yet when the machine boots after a power cut. */

const REPOSITORY = '/srv/updates.git';
const BACKUPS = '/srv/backups';
const MOUNT = 'srv-backups.mount';
const CONFIGURATION = '/etc/nginx/conf.d/website.conf';
const EARLY = 'homeserver-updates-recover-early';
const LATE = 'homeserver-updates-recover';

/** A disk is mounted at BACKUPS when something else, `disk.service`, is over. */
const mountUnit = (target: string, options: string, more = ''): string => `[Unit]
Requires=disk.service
After=disk.service
${more}
[Mount]
What=/srv/disk
Where=${BACKUPS}
Type=none
Options=${options}
[Install]
WantedBy=${target}
`;
const oneshot = (unit: string, command: string): string =>
  `[Unit]\n${unit}\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=${command}\n`;

const disks = {
  /** Of the network, and there long after it, when the late recovery waits. */
  network: {
    'disk.service': oneshot(
      'Wants=network-online.target\nAfter=network-online.target',
      `sh -c 'until journalctl -b -u ${LATE} | grep -q "waiting up to 600 s for its disk"; do sleep 0.2; done'`,
    ),
    [MOUNT]: mountUnit('remote-fs.target', 'bind,_netdev'),
  },
  /** At USB, and of no importance to the boot (`nofail`), as the owner has said. */
  usb: {
    'disk.service': oneshot('DefaultDependencies=no', 'sleep 3'),
    [MOUNT]: mountUnit('local-fs.target', 'bind', 'DefaultDependencies=no'),
  },
};

/** Replaces the configuration of nginx, guarded, and does something in the middle of it. */
const website = (version: string, configuration: string, inTheMiddle = ''): ReturnType<typeof moduleTree> =>
  moduleTree('website', {
    version,
    main: `
  await context.state.guard('website', { files: ['${CONFIGURATION}'], services: ['nginx'] }, async () => {
    fs.writeFileSync('${CONFIGURATION}', ${JSON.stringify(configuration)});
    ${inTheMiddle}
    await context.run(['systemctl', 'reload', 'nginx']);
  });
  return { success: true, changed: true };`,
  });

await describeOnServers(
  'a server whose backups are on a disk that comes late',
  () => {
    let server: Server;
    let repository: GitRepository;
    const publish = async (module: ReturnType<typeof moduleTree>): Promise<void> => {
      await repository.commit({ modules: { website: module } });
      await push(repository, server, REPOSITORY);
    };
    const page = (): Promise<string> => server.run('curl -fsS http://localhost/');
    /** Has the disk mounted so from the next boot on, and now, if it is not yet. */
    const attach = async (disk: keyof typeof disks): Promise<void> => {
      for (const [name, unit] of Object.entries(disks[disk]))
        fs.writeFileSync(path.join(server.root, 'etc/systemd/system', name), unit);
      await server.run(`systemctl daemon-reload && systemctl reenable ${MOUNT} && systemctl start ${MOUNT}`);
    };
    /** The plug is pulled in the middle of an update, when nginx has a configuration that it cannot read; then it boots. */
    const pullThePlug = async (version: string): Promise<void> => {
      await publish(website(version, 'unreadable', 'await new Promise((go) => setTimeout(go, 600_000));'));
      await server.run('systemctl start --no-block homeserver-updates.service');
      await waitUntil(server, `grep -q unreadable ${CONFIGURATION}`);
      await server.powerCut();
      await server.boot();
    };
    const recovered = async (): Promise<void> => {
      await waitUntil(server, `journalctl -b -u ${LATE} | grep -q 'Recovered from an interruption: website: '`);
      await waitUntil(server, `! systemctl is-active ${LATE} | grep -q activating`);
      expect(await page()).toBe('1.0.0');
      expect(await server.run("systemctl --failed --no-legend --plain | awk '{print $1}'")).toBe('');
      expect(await server.run('updater doctor')).toMatch(/^ok +journal +no change is open$/m);
      expect(beneath()).toEqual([]);
    };
    /** What lies in the mount point itself, below what is mounted on it. */
    const beneath = (): string[] => fs.readdirSync(path.join(server.root, BACKUPS));

    beforeAll(async () => {
      repository = await maintainersRepository();
      server = await startHomeServer();
      await startWebsite(server, 'old');
      await server.run(`mkdir -m 700 /srv/disk ${BACKUPS} && systemctl enable nginx`);
      await attach('usb');
      await configure(server, { repoUrl: `file://${REPOSITORY}`, backupDir: BACKUPS });
      await publish(website('1.0.0', websiteThatSays('1.0.0')));
      expect(await runService(server)).toBe(true);
      expect(await page()).toBe('1.0.0');
      return () => server.stop();
    });

    it('of the network: comes up, says what it waits for, and puts back what was interrupted when that is there', async () => {
      await attach('network');
      await pullThePlug('2.0.0');
      expect(await journalOf(server, EARLY, '-o cat')).toMatch(
        /^the backup directory \/srv\/backups is not the one that was used before: what was interrupted is put back after the boot, when its disk is mounted$/m,
      );
      await recovered();
    });

    it('at USB: waits for it before the services start, which see nothing of what was interrupted', async () => {
      await attach('usb');
      await pullThePlug('2.1.0');
      expect(await page()).toBe('1.0.0');
      expect(await server.run('journalctl -b -u nginx | grep -c Starting')).toBe('1\n');
      expect(await journalOf(server, EARLY)).toContain('put back before any service starts');
      await recovered();
    });

    it('is told by the doctor how the service gets the disk mounted; then it is, and the update comes', async () => {
      await publish(website('3.0.0', websiteThatSays('3.0.0')));
      const advice = /→ systemctl edit (.+): write "\[Unit\]" and, below, "(.+)"$/m;
      const [, services = '', line = ''] = advice.exec(await server.run('updater doctor')) ?? [];
      expect(services.split(' ')).toEqual(['homeserver-updates.service', 'homeserver-updates-recover.service']);
      for (const service of services.split(' '))
        await server.run(
          `cd /etc/systemd/system; mkdir ${service}.d; printf '%s\\n' '[Unit]' '${line}' > ${service}.d/override.conf`,
        );
      await server.run(`systemctl daemon-reload; systemctl stop ${MOUNT}`);
      expect(await runService(server)).toBe(true);
      expect(await page()).toBe('3.0.0');
      expect(await server.run('updater doctor')).not.toMatch(advice);
      expect(beneath()).toEqual([]);
    });
  },
  { packages: PACKAGES },
);
