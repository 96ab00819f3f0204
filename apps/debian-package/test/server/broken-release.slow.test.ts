import { describeOnServers, type GitRepository, type Server } from '@homeserver/test-support';
import { beforeAll, expect, it } from 'vitest';
import { configure, journalOf, PACKAGES, runService, startHomeServer } from './support/home-server.ts';
import { releaseTree } from './support/release-tree.ts';
import { maintainersRepository, moduleTree, push } from './support/update-repository.ts';

/* The maintainer ships versions of the updater itself: good ones, and by mistake broken ones. Whatever comes, the server is updated. */

const REPOSITORY = '/srv/updates.git';
const INSTALLED = /^1\.0\.0\n$/;
const NO_PARSE = 'export const version = ';
const DIES = `import fs from 'node:fs';
export { version, selfCheck } from './real.mjs';
export async function main(argv) {
  if (argv.includes('run')) setInterval(() => fs.existsSync('/var/local/lib/updates/store') && process.kill(process.pid, 'SIGKILL'), 1);
  return (await import('./real.mjs')).main(argv);
}`;
const DOES_NOTHING = `export { version, selfCheck } from './real.mjs';\nexport const main = async () => 0;`;
const main = 'context.log.info(`this is ${context.version}`); return { success: true };';

await describeOnServers(
  'a server whose updater updates itself',
  () => {
    let server: Server;
    let repository: GitRepository;
    let shipped = 0;
    /** Ships a new version of a module each time, perhaps with a release; returns whether the run went well. */
    const ship = async (release: Parameters<GitRepository['commit']>[0] = {}): Promise<boolean> => {
      shipped += 1;
      if ('orchestrator' in release) await repository.remove('orchestrator');
      await repository.commit({ modules: { one: moduleTree('one', { version: `${shipped}.0.0`, main }) }, ...release });
      await push(repository, server, REPOSITORY);
      return runService(server);
    };
    const version = (): Promise<string> => server.run('updater --version');
    const newestIsInstalled = async (): Promise<void> =>
      expect(await server.run('updater status')).toMatch(new RegExp(`^one +${shipped}\\.0\\.0 +succeeded `, 'm'));

    beforeAll(async () => {
      repository = await maintainersRepository();
      server = await startHomeServer();
      await configure(server, { repoUrl: `file://${REPOSITORY}` });
      return () => server.stop();
    });

    it('refuses one that does not start, updates the modules all the same, and the next run is as if nothing had been', async () => {
      expect(await ship(releaseTree('1.1.0', NO_PARSE))).toBe(false);
      expect(await journalOf(server)).toMatch(/1\.1\.0 .*it cannot be loaded: Unexpected end of input/);
      await newestIsInstalled();
      expect(await ship()).toBe(true);
      await newestIsInstalled();
      expect(await version()).toMatch(INSTALLED);
    });

    it('finishes each run in place of one that dies, and takes it back after three', async () => {
      expect(await ship(releaseTree('1.2.0', DIES))).toBe(false);
      await newestIsInstalled();
      for (const _ of ['second', 'third']) {
        expect(await ship()).toBe(false);
        await newestIsInstalled();
        expect(await version()).toMatch(INSTALLED);
      }
      expect(await journalOf(server)).toMatch(/it was ended by SIGKILL .*\(try 3 of 3\)/);
      expect(await ship()).toBe(true);
      await newestIsInstalled();
    });

    it('takes a good one; from then on it is what stands behind a broken one', async () => {
      expect(await ship(releaseTree('1.3.0'))).toBe(true);
      expect(await version()).toBe('1.3.0\n');
      expect(await ship(releaseTree('1.4.0', DOES_NOTHING))).toBe(false);
      await newestIsInstalled();
      expect(await version()).toBe('1.3.0\n');
      expect(await server.run('updater status')).toMatch(/^The updater is 1\.3\.0; 1\.4\.0 is in the repository\.$/m);
    });

    it('falls back to the installed program when everything that it has taken is gone', async () => {
      await server.run('rm -r /var/local/lib/updates/orchestrator/releases/1.3.0');
      expect(await version()).toMatch(INSTALLED);
      await repository.remove('orchestrator', 'index.json');
      for (const isOver of [false, false, true]) {
        expect(await ship()).toBe(isOver); // 1.4.0 has two tries left.
        await newestIsInstalled();
      }
      expect(await version()).toMatch(INSTALLED);
    });
  },
  { packages: PACKAGES },
);
