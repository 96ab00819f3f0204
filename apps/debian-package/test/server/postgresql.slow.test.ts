import { describeOnServers, type GitRepository, type Server } from '@homeserver/test-support';
import { beforeAll, expect, it } from 'vitest';
import { albumModule, databasesOf, startAlbum, stateOfAlbum } from './support/album.ts';
import { configure, PACKAGES, runService, startHomeServer } from './support/home-server.ts';
import { maintainersRepository, push } from './support/update-repository.ts';

/* A module migrates the database of a service, and then something goes wrong. */

const REPOSITORY = '/srv/updates.git';

await describeOnServers(
  'a module that migrates a PostgreSQL database',
  () => {
    let server: Server;
    let repository: GitRepository;
    let was: Awaited<ReturnType<typeof stateOfAlbum>>;
    const ship = async (version: string, end?: string): Promise<boolean> => {
      await repository.commit({ modules: { album: albumModule(version, end === undefined ? {} : { end }) } });
      await push(repository, server, REPOSITORY);
      return runService(server);
    };

    beforeAll(async () => {
      repository = await maintainersRepository();
      server = await startHomeServer();
      await startAlbum(server);
      await configure(server, { repoUrl: `file://${REPOSITORY}` });
      was = await stateOfAlbum(server);
      return () => server.stop();
    });

    it.each([
      ['1.0.0', 'fails when all is migrated', 'echo no room for thumbnails >&2; exit 1'],
      ['1.0.1', 'is killed there', 'kill -9 $PPID'],
      [
        '1.0.2',
        'fails when it has stopped and disabled the database server',
        'systemctl disable --now postgresql; exit 1',
      ],
    ])('%s, which %s, leaves rows, schema, roles and services as they were', async (version, _, end) => {
      expect(was).toMatchObject({ rows: '5000|photo 1|photo 999\n', services: expect.stringMatching(/active$/m) });
      expect(await ship(version, end)).toBe(false);
      expect(await stateOfAlbum(server)).toEqual(was);
      expect(await databasesOf(server)).toBe('album postgres template0 template1\n');
      expect(await server.run('updater doctor')).toMatch(/^ok +journal +no change is open$/m);
    });

    it('and succeeds has migrated it', async () => {
      expect(await ship('1.1.0')).toBe(true);
      const now = await stateOfAlbum(server);
      expect(now).toMatchObject({
        rows: '5000|version 1.1.0 photo 1|version 1.1.0 photo 999\n',
        services: was.services,
      });
      expect(now.roles).not.toContain('album_reader');
    });
  },
  { packages: PACKAGES },
);
