import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeOnServers, nodeForServers, startServer } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { SLEEPER } from './units.ts';

/* The plug is pulled in the middle of a guarded change of services; the server boots with what the change has left. */

const STATES = 'systemctl show -p UnitFileState,ActiveState --value hu-app hu-off | xargs';

await describeOnServers('a power cut in a change of services', () => {
  it('each unit is enabled and running as before, once the next run has recovered', async () => {
    const { node, shared } = nodeForServers();
    const server = await startServer({ shared });
    try {
      const fixture = (name: string): string => `${node} ${path.join(import.meta.dirname, '../fixtures', name)}`;
      for (const name of ['hu-app', 'hu-off']) {
        fs.writeFileSync(path.join(server.root, `usr/lib/systemd/system/${name}.service`), SLEEPER);
      }
      await server.run('mkdir -p /srv/hu/live; echo old > /srv/hu/live/data');
      await server.run('systemctl daemon-reload; systemctl enable --now hu-app');
      expect(await server.run(STATES)).toBe('active enabled inactive disabled\n');

      await server.run(`systemd-run --quiet ${fixture('guard-services.ts')} /srv/hu wait`);
      while (!fs.existsSync(path.join(server.root, 'srv/hu/armed'))) await sleep(50);
      await server.powerCut();
      await server.boot();
      expect(await server.run(STATES)).toBe('inactive masked active enabled\n');

      expect(await server.run(`${fixture('recover.ts')} /srv/hu`)).toBe('app: restored\n');
      expect(await server.run(STATES)).toBe('active enabled inactive disabled\n');
      expect(await server.run('cat /srv/hu/live/data')).toBe('old\n');
    } finally {
      await server.stop();
    }
  });
});
