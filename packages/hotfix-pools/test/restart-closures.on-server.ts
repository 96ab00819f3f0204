import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { endings, Server } from './server.ts';

/* The configuration pool of the module's documentation, with nginx as the service that it restarts. */

const CONFIGURATION = '/etc/nginx/conf.d/hotfix.conf';
/** systemd starts a service five times in ten seconds, and then refuses. */
const RESTART = 'systemctl reset-failed nginx; systemctl restart nginx';
const answering = (word: string): string => `server { listen 8098; location / { return 200 "${word}"; } }\n`;
const shell = (line: string): string => execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8' });

/** nginx answers "old"; the pool ships what is given. */
function withNginx(shipped: string): Server {
  const server = new Server();
  fs.writeFileSync(CONFIGURATION, answering('old'));
  shell(RESTART);
  onTestFinished(() => void shell(`rm -f ${CONFIGURATION}; ${RESTART}`));
  server.source('hotfix.conf', shipped);
  server.document({
    metadata: { schema_version: '1.0.0' },
    pools: [
      {
        id: 'backend_config_fix',
        operations: [{ target: 'src/hotfix.conf', destination: CONFIGURATION }],
        closure: ['systemctl restart nginx'],
      },
    ],
    finalClosure: ['systemctl is-active nginx'],
  });
  return server;
}

async function answer(): Promise<string> {
  return (await fetch('http://127.0.0.1:8098/', { headers: { connection: 'close' } })).text();
}

it('a configuration that works is applied, and is in effect', async () => {
  const server = withNginx(answering('new'));
  const report = await server.apply();
  expect(endings(report)).toEqual(['backend_config_fix: applied']);
  expect(report.finalClosure.state).toBe('passed');
  expect(await answer()).toBe('new');
});

it('one that keeps the service from starting is put back, and the service runs as before', async () => {
  const server = withNginx('server { listen 8098; broken\n');
  const report = await server.apply();
  expect(endings(report)).toEqual(['backend_config_fix: reverted']);
  expect(report.pools[0]?.reason).toMatch(/^closure line 1 \(systemctl restart nginx\) exited 1/);
  expect(report.pools[0]?.closureAfterRestore?.ok).toBe(true);
  expect(spawnSync('systemctl', ['is-active', '--quiet', 'nginx']).status).toBe(0);
  expect(await answer()).toBe('old');
  expect(report.finalClosure.state).toBe('not-run');
});
