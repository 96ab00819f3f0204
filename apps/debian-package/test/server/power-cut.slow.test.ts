import { describeOnServers, type GitRepository, type Server } from '@homeserver/test-support';
import { beforeAll, expect, it } from 'vitest';
import { albumModule, databasesOf, startAlbum, stateOfAlbum } from './support/album.ts';
import { configure, journalOf, PACKAGES, runService, startHomeServer, waitUntil } from './support/home-server.ts';
import { maintainersRepository, push } from './support/update-repository.ts';
import { startWebsite, websitePool, websiteThatSays } from './support/website.ts';

/*
 * The plug is pulled in the middle of an update that replaces the configuration of nginx and migrates a database. What had
 * not reached the disk is lost, too. Nobody does anything then; the server boots.
 */

const REPOSITORY = '/srv/updates.git';
const UNUSABLE = 'server { listen 80 default_server; locatoin / { return 200 "new"; } }\n';
const CONFIGURATION = '/etc/nginx/conf.d/website.conf';
const titles = "runuser -u postgres -- psql -Atqd album -c 'SELECT count(*), min(title) FROM photos'";
const configuration = `cat ${CONFIGURATION}`;

/** How far the update has come when the plug is pulled, as the server can tell; what it then undoes; what the pool ships. */
const moments: { name: string; when: string; undone: string; ships?: string }[] = [
  {
    name: 'nginx has a configuration that it cannot read',
    when: `grep -q locatoin ${CONFIGURATION}`,
    undone: configuration,
    ships: UNUSABLE,
  },
  {
    name: 'nginx has its new configuration, and that is not yet checked',
    when: `grep -q version ${CONFIGURATION}`,
    undone: configuration,
  },
  { name: 'the album is off, and its database half migrated', when: 'test -e /srv/at-half', undone: titles },
  { name: 'all is migrated, and not yet final', when: 'test -e /srv/at-end', undone: titles },
];

const byName = moments.map((moment) => [moment.name, moment] as const);

await describeOnServers(
  'a server whose plug is pulled',
  () => {
    let server: Server;
    let repository: GitRepository;
    let round = 0;
    let services: string;
    /** Publishes the next version of both modules, and starts the service. */
    const startUpdate = async (ships?: string): Promise<void> => {
      round += 1;
      const version = `${round}.0.0`;
      await repository.commit({
        modules: {
          hotfix: websitePool(version, ships ?? websiteThatSays(`version ${round}`)),
          album: albumModule(version, { half: 'touch /srv/at-half; sleep 2', end: 'touch /srv/at-end; sleep 2' }),
        },
      });
      await push(repository, server, REPOSITORY);
      await server.run('rm -f /srv/at-*; sync; systemctl start --no-block homeserver-updates.service');
    };
    const pullThePlug = async (when: string): Promise<void> => {
      await waitUntil(server, when);
      await server.powerCut();
      await server.boot();
    };
    const recovered = (): Promise<void> =>
      waitUntil(
        server,
        'updater doctor | grep -q "^ok *journal *no change is open" && ! systemctl is-active -q homeserver-updates-recover',
      );

    /** Everything works, old or new, and nothing half-done or left over is anywhere. */
    const expectWhole = async (): Promise<void> => {
      expect(await server.run('curl -fsS http://localhost/')).toMatch(/^(old|version \d+)$/);
      expect(await server.run('nginx -t 2>&1')).toContain('syntax is ok');
      expect(await server.run(titles)).toMatch(/^5000\|(version \d+\.0\.0 )?photo 1$/m);
      expect((await stateOfAlbum(server)).services).toBe(services);
      expect(await databasesOf(server)).toBe('album postgres template0 template1\n');
      expect(
        await server.run('ls -A /etc/nginx/conf.d /var/lib/homeserver-updates/intents /var/backups/updates/journal'),
      ).toBe(
        '/etc/nginx/conf.d:\nwebsite.conf\n\n/var/backups/updates/journal:\n\n/var/lib/homeserver-updates/intents:\n',
      );
      expect(await server.run("ls -A /var/local/lib/updates/store | grep '^\\.' || true")).toBe('');
      expect(await server.run("systemctl --failed --no-legend --plain | awk '{print $1}'")).toBe('');
    };

    beforeAll(async () => {
      repository = await maintainersRepository();
      server = await startHomeServer({ disk: 'forgets' });
      await startWebsite(server, 'old');
      await startAlbum(server);
      ({ services } = await stateOfAlbum(server));
      await configure(server, { repoUrl: `file://${REPOSITORY}` });
      await server.run('sync');
      return () => server.stop();
    });

    it.each(byName)('when %s has everything at work after the boot', async (_, { when, undone, ships }) => {
      const before = await server.run(undone);
      await startUpdate(ships);
      await pullThePlug(when);
      // Before anything else ran: no service has started with what was half-done.
      expect(await server.run('systemctl is-active nginx postgresql@15-main')).toBe('active\nactive\n');
      await recovered();
      expect(await journalOf(server, 'homeserver-updates-recover-early')).toMatch(/put back before any service starts/);
      expect(await journalOf(server, 'homeserver-updates-recover')).toMatch(
        /what was begun during the boot is complete/,
      );
      expect(await server.run('journalctl -b -u nginx | grep -c Starting')).toBe('1\n');
      await expectWhole();
      expect(await server.run(undone)).toBe(before);
    });

    it('again while it recovers has everything at work after the next boot', async () => {
      await startUpdate(UNUSABLE);
      await pullThePlug(`grep -q locatoin ${CONFIGURATION}`);
      await pullThePlug('systemctl is-active homeserver-updates-recover | grep -q activating');
      await recovered();
      await expectWhole();
    });

    it('is updated by its next run as if nothing had been', async () => {
      await startUpdate();
      await waitUntil(server, '! systemctl is-active homeserver-updates | grep -q activating');
      expect(await runService(server)).toBe(true);
      expect(await server.run(`curl -fsS http://localhost/; echo; ${titles}`)).toBe(
        `version ${round}\n5000|version ${round}.0.0 photo 1\n`,
      );
      await expectWhole();
    });
  },
  { packages: PACKAGES },
);
