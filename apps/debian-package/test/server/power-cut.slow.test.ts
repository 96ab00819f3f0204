import { setTimeout as sleep } from 'node:timers/promises';
import {
  describeOnServers,
  faultPoints,
  killSeed,
  randomFrom,
  type GitRepository,
  type Server,
} from '@homeserver/test-support';
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

/** Shares of the time that an update takes, one in each of so many equal parts. */
function instants(seed: number): number[] {
  const random = randomFrom(seed);
  return faultPoints(60, 3).map((_, at, { length }) => Number(((at + random()) / length).toFixed(3)));
}

const seed = killSeed();
const byName = moments.map((moment) => [moment.name, moment] as const);

await describeOnServers(
  'a server whose plug is pulled',
  () => {
    let server: Server;
    let repository: GitRepository;
    let round = 0;
    let services: string;
    let lastsMs: number | undefined;
    /** Publishes the next version of both modules, and starts the service. Pauses give time to see how far it has come. */
    const startUpdate = async ({ ships, pauseS = 2 }: { ships?: string; pauseS?: number } = {}): Promise<void> => {
      round += 1;
      const version = `${round}.0.0`;
      await repository.commit({
        modules: {
          hotfix: websitePool(version, ships ?? websiteThatSays(`version ${round}`), `sleep ${pauseS}`),
          album: albumModule(version, {
            half: `touch /srv/at-half; sleep ${pauseS}`,
            end: `touch /srv/at-end; sleep ${pauseS}`,
          }),
        },
      });
      await push(repository, server, REPOSITORY);
      await server.run('rm -f /srv/at-*; sync; systemctl start --no-block homeserver-updates.service');
    };
    const pullThePlug = async (): Promise<void> => {
      await server.powerCut();
      await server.boot();
    };
    /** How long an update takes that nobody disturbs. */
    const timeAnUpdate = async (): Promise<number> => {
      await startUpdate({ pauseS: 0 });
      const begun = Date.now();
      await waitUntil(server, '! systemctl is-active homeserver-updates | grep -q activating');
      return Date.now() - begun;
    };
    const page = (): Promise<string> => server.run('curl -fsS http://localhost/');
    const recovered = (): Promise<void> =>
      waitUntil(
        server,
        'updater doctor | grep -q "^ok *journal *no change is open" && ! systemctl is-active -q homeserver-updates-recover',
      );

    /** Everything works, old or new, and nothing half-done or left over is anywhere. */
    const expectWhole = async (): Promise<void> => {
      expect(await page()).toMatch(/^(old|version \d+)$/);
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
      await startUpdate(ships === undefined ? {} : { ships });
      await waitUntil(server, when);
      await pullThePlug();
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
      await startUpdate({ ships: UNUSABLE });
      for (const when of [
        `grep -q locatoin ${CONFIGURATION}`,
        'systemctl is-active homeserver-updates-recover | grep -q activating',
      ]) {
        await waitUntil(server, when);
        await pullThePlug();
      }
      await recovered();
      await expectWhole();
    });

    const expectUpdatedByNextRun = async (): Promise<void> => {
      expect(await runService(server)).toBe(true);
      expect(await page()).toBe(`version ${round}`);
      expect(await server.run(titles)).toBe(`5000|version ${round}.0.0 photo 1\n`);
      await expectWhole();
    };

    it('is updated by its next run as if nothing had been', async () => {
      lastsMs = await timeAnUpdate();
      await expectUpdatedByNextRun();
    });

    it.each(instants(seed))(
      `when %f of an update is over has its services at work (KILL_SEED=${seed})`,
      async (share) => {
        lastsMs ??= await timeAnUpdate();
        await startUpdate({ pauseS: 0 });
        await sleep(share * lastsMs);
        await pullThePlug();
        await recovered(); // What was stopped is started by its late phase.
        expect((await stateOfAlbum(server)).services).toBe(services);
        expect([`version ${round - 1}`, `version ${round}`]).toContain(await page());
        await expectUpdatedByNextRun();
      },
    );
  },
  { packages: PACKAGES },
);
