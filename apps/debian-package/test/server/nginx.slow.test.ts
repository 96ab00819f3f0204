import { describeOnServers, type GitRepository, type Server } from '@homeserver/test-support';
import { beforeAll, expect, it } from 'vitest';
import { configure, journalOf, PACKAGES, runService, startHomeServer } from './support/home-server.ts';
import { maintainersRepository, push } from './support/update-repository.ts';
import { startVisitor, startWebsite, visitorsAnswers, websitePool, websiteThatSays } from './support/website.ts';

/* An emergency fix replaces the configuration of the web server, while somebody looks at the website all the time. */

const REPOSITORY = '/srv/updates.git';

await describeOnServers(
  'a hotfix pool that replaces the configuration of nginx',
  () => {
    let server: Server;
    let repository: GitRepository;
    const ship = async (version: string, configuration: string): Promise<boolean> => {
      await repository.commit({ modules: { hotfix: websitePool(version, configuration) } });
      await push(repository, server, REPOSITORY);
      return runService(server);
    };
    const page = (): Promise<string> => server.run('curl -fsS http://localhost/');

    beforeAll(async () => {
      repository = await maintainersRepository();
      server = await startHomeServer();
      await startWebsite(server, 'old');
      await configure(server, { repoUrl: `file://${REPOSITORY}` });
      await startVisitor(server);
      return () => server.stop();
    });

    it('that nginx does not take is reverted, and no visitor has noticed', async () => {
      expect(await ship('1.0.0', 'server { listen 80 default_server; locatoin / { return 200 "new"; } }\n')).toBe(
        false,
      );
      expect(await page()).toBe('old');
      expect(await journalOf(server)).toMatch(/pool website: reverted: closure line 1 \(nginx -t\) exited 1/);
      expect(new Set(await visitorsAnswers(server))).toEqual(new Set(['200 old']));
    });

    it('that nginx takes, and that answers wrongly, is reverted; all visitors after that see the website', async () => {
      const wrong = 'server { listen 80 default_server; location / { return 500 "new"; } }\n';
      expect(await ship('1.0.1', wrong)).toBe(false);
      expect(await page()).toBe('old');
      const during = await visitorsAnswers(server);
      expect(new Set(during)).toEqual(new Set(['200 old', '500 new']));
      const after = await visitorsAnswers(server, 20);
      expect(new Set(after)).toEqual(new Set(['200 old']));
    });

    it('that is good is applied, and answers with the new content; no visitor has noticed a gap', async () => {
      expect(await ship('1.0.2', websiteThatSays('new'))).toBe(true);
      expect(await page()).toBe('new');
      const answers = await visitorsAnswers(server);
      expect(new Set(answers)).toEqual(new Set(['200 old', '200 new']));
      expect(answers.at(-1)).toBe('200 new');
    });
  },
  { packages: PACKAGES },
);
