import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OperationsServer, states } from './operations-server.ts';

/* The security patch and the phases of the module's documentation, with its paths, on a real nginx and a real service. */

const AUTH = '/var/www/homeserver/backend/auth.py';
const SITE = '/etc/nginx/sites-available/homeserver';
const CONFIG = '/etc/homeserver/config.json';
const UNIT = '/etc/systemd/system/homeserver.service';
const STATUS = `exec 3<>/dev/tcp/127.0.0.1/5000; printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3; head -n 1 <&3 | cut -d ' ' -f 2`;
/** Prints the status of /health; there is no curl here. */
const HEALTH = `bash -c "${STATUS.replaceAll(/[$"\\]/g, String.raw`\$&`)}"`;
/** systemd starts a service five times in ten seconds, and then refuses. */
const RESTART = 'systemctl reset-failed nginx; nginx -t && systemctl restart nginx';

const shell = (line: string): string => execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8', stdio: 'pipe' });
const isActive = (unit: string): boolean => spawnSync('systemctl', ['is-active', '--quiet', unit]).status === 0;
const health = (): Promise<Response> => fetch('http://127.0.0.1:5000/health', { headers: { connection: 'close' } });

/** A website at port 5000 whose service wants "good" in its settings. */
function homeserver(): OperationsServer {
  const files = {
    [AUTH]: 'old auth\n',
    [SITE]: 'server { listen 5000; location /health { return 200 "ok"; } }\n',
    [CONFIG]: '{"settings": "good"}\n',
    [UNIT]: `[Service]\nExecStartPre=/bin/grep -q good ${CONFIG}\nExecStart=/bin/sleep infinity\n`,
  };
  for (const [file, content] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
  }
  fs.rmSync('/etc/nginx/sites-enabled/homeserver', { force: true });
  fs.symlinkSync(SITE, '/etc/nginx/sites-enabled/homeserver');
  shell(`systemctl daemon-reload; systemctl reset-failed homeserver; systemctl restart homeserver; ${RESTART}`);
  onTestFinished(() => void shell(`rm -f /etc/nginx/sites-enabled/homeserver; systemctl stop homeserver; ${RESTART}`));
  return new OperationsServer({});
}

function patching(headers: string): OperationsServer {
  const server = homeserver();
  server.sources({
    'patched_auth.py': 'patched auth\n',
    'security_headers.conf': headers,
    'restart_web_services.sh': `#!/bin/sh\n${RESTART}\n`,
  });
  server.operations('1.1.0', [
    { id: 'patch_auth_bypass', type: 'copy', source: 'patched_auth.py', target: AUTH, backup: true, enabled: true },
    {
      id: 'add_security_headers',
      type: 'append',
      source: 'security_headers.conf',
      target: SITE,
      backup: true,
      enabled: true,
    },
    {
      id: 'restart_services',
      type: 'execute',
      source: 'restart_web_services.sh',
      dependencies: ['patch_auth_bypass', 'add_security_headers'],
      enabled: true,
    },
  ]);
  return server;
}

describe('the security patch', () => {
  it('is applied, and the web server serves with it', async () => {
    const server = patching('add_header X-Frame-Options DENY;\n');
    expect(states(await server.applyOperations())).toEqual([
      'patch_auth_bypass: applied',
      'add_security_headers: applied',
      'restart_services: applied',
    ]);
    const { status, headers } = await health();
    expect([status, headers.get('x-frame-options'), fs.readFileSync(AUTH, 'utf8')]).toEqual([
      200,
      'DENY',
      'patched auth\n',
    ]);
  });

  it('that keeps the web server from starting is put back, and it serves as before', async () => {
    const server = patching('add_header of nothing that nginx knows {\n');
    const site = fs.readFileSync(SITE, 'utf8');
    const report = await server.applyOperations();
    expect(report.state).toBe('reverted');
    expect([fs.readFileSync(AUTH, 'utf8'), fs.readFileSync(SITE, 'utf8')]).toEqual(['old auth\n', site]);
    const { status, headers } = await health();
    expect([status, headers.get('x-frame-options')]).toEqual([200, null]);
  });
});

function phased(config: string, validation: object = {}): OperationsServer {
  const server = homeserver();
  server.sources({
    'stop_services.sh': '#!/bin/sh\nsystemctl stop homeserver\n',
    'new_config.json': config,
    'restart_services.sh': '#!/bin/sh\nsystemctl reset-failed homeserver\nsystemctl start homeserver\n',
  });
  server.operations(
    '1.0.0',
    [
      {
        id: 'restart_services',
        type: 'execute',
        source: 'restart_services.sh',
        phase: 3,
        dependencies: ['update_config'],
      },
      {
        id: 'stop_services',
        type: 'execute',
        source: 'stop_services.sh',
        phase: 1,
        dependencies: [],
        critical: true,
      },
      {
        id: 'update_config',
        type: 'copy',
        source: 'new_config.json',
        target: CONFIG,
        phase: 2,
        dependencies: ['stop_services'],
        backup: true,
      },
    ],
    {
      config: { capture: { services: ['homeserver'] } },
      validation: {
        pre_checks: [
          {
            command: 'systemctl is-active homeserver',
            expected: 'active',
            description: 'Ensure homeserver is running',
          },
        ],
        post_checks: [{ command: HEALTH, expected: '200' }],
        ...validation,
      },
    },
  );
  return server;
}

describe('phases with checks before and after', () => {
  it('are done in their order', async () => {
    const server = phased('{"settings": "good, too"}\n');
    const report = await server.applyOperations();
    expect([report.state, report.reason]).toEqual(['applied', 'not applied before']);
    expect(states(report)).toEqual(['stop_services: applied', 'update_config: applied', 'restart_services: applied']);
    expect([fs.readFileSync(CONFIG, 'utf8'), isActive('homeserver')]).toEqual(['{"settings": "good, too"}\n', true]);
  });

  it('that end with a service that does not start are put back, and it runs as before', async () => {
    const report = await phased('{"settings": "wrong"}\n').applyOperations();
    expect(report.state).toBe('reverted');
    expect([fs.readFileSync(CONFIG, 'utf8'), isActive('homeserver')]).toEqual(['{"settings": "good"}\n', true]);
  });

  it('whose check afterwards finds a website that does not answer as it should are put back', async () => {
    const check = { command: HEALTH, expected: '204' };
    const report = await phased('{"settings": "good, too"}\n', { post_checks: [check] }).applyOperations();
    expect([report.state, report.reason]).toEqual([
      'reverted',
      expect.stringMatching(/printed "200", expected is "204"/),
    ]);
    expect([fs.readFileSync(CONFIG, 'utf8'), isActive('homeserver')]).toEqual(['{"settings": "good"}\n', true]);
  });

  it('are not begun where the service does not run', async () => {
    const server = phased('{"settings": "good, too"}\n');
    shell('systemctl stop homeserver');
    const report = await server.applyOperations();
    expect([report.state, report.skip]).toEqual(['skipped', 'refused']);
    expect(fs.readFileSync(CONFIG, 'utf8')).toBe('{"settings": "good"}\n');
  });
});
