import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {
  describeOnServers,
  ensureDebianPackages,
  startServer,
  temporaryDirectory,
  type Server,
  MAINTAINER,
} from '@homeserver/test-support';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildPackage } from '../src/build-package.ts';
import { makeExecutables } from './support/make-executables.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 900_000 });

/** What the server has before: the package's dependencies, and nothing of ours. */
const PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'procps', 'git', 'openssh-client'];

const directory = fs.mkdtempSync('/var/tmp/homeserver-package-');
afterAll(() => fs.rmSync(directory, { recursive: true }));

const build = (into: string): string =>
  buildPackage(into, { version: '1.0.0', sourceDate: 1_700_000_000, compression: 'gzip' });

const missing = await ensureDebianPackages(['dpkg', 'lintian']);
if (missing.length > 0) process.stderr.write(`LEFT OUT: the check of the package by lintian: it is not installed\n`);

describe('the Debian package', () => {
  beforeAll(makeExecutables);

  it('is the same for the same sources, byte for byte', () => {
    const [one, two] = ['one', 'two'].map((name) => digestOf(build(path.join(directory, name))));
    expect(one).toBe(two);
  });

  it.skipIf(missing.length > 0)('is what lintian wants, but for the overrides that it names', () => {
    const { stdout, stderr } = spawnSync('lintian', ['--allow-root', '--fail-on', 'error', build(directory)], {
      encoding: 'utf8',
    });
    expect(`${stdout}${stderr}`.split('\n').filter((line) => /^[EW]: /.test(line))).toEqual([]);
  });
});

function digestOf(file: string): string {
  return createHash('sha256').update(fs.readFileSync(file)).digest('hex');
}

/** A repository on the server itself; `broken` throws. */
async function publish(server: Server, version: string, modules: Record<string, string>): Promise<void> {
  const work = temporaryDirectory();
  for (const [name, body] of Object.entries(modules)) {
    const module = path.join(work, 'modules', name);
    fs.mkdirSync(module, { recursive: true });
    fs.writeFileSync(path.join(module, 'index.json'), JSON.stringify({ metadata: { schema_version: version, name } }));
    fs.writeFileSync(
      path.join(module, 'index.ts'),
      `import fs from 'node:fs';\nexport async function main(_: string[], context: any) {\n${body}\n}\n`,
    );
  }
  await server.copyIn(work, '/srv/new');
  await server.run(`export ${MAINTAINER}=1; mkdir -p /srv/updates && cd /srv/updates && git init -qb main 2>/dev/null; rm -rf modules && mv /srv/new/modules . && rm -r /srv/new
    git add -A && git -c user.name=m -c user.email=m@example.org commit -qm '${version}'`);
}

const guarded = `
  fs.mkdirSync('/etc/motd.d', { recursive: true });
  await context.state.guard(context.name, { files: ['/etc/motd.d/home'] }, async () => fs.writeFileSync('/etc/motd.d/home', context.version));
  return { success: true, changed: true };`;

await describeOnServers('on a server without Node', () => {
  let server: Server;

  beforeAll(async () => {
    makeExecutables();
    server = await startServer({ packages: PACKAGES });
    await server.copyIn(build(directory), '/root/package.deb');
    return () => server.stop();
  });

  it('it installs with what Debian has, and its timers run', async () => {
    expect((await server.attempt('command -v node npm')).stdout).toBe('');
    await server.run('dpkg --install /root/package.deb');
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

  it('the service says what is missing, until a repository is set; then modules run, and the journal has their levels', async () => {
    expect((await server.attempt('systemctl start homeserver-updates.service')).exitCode).not.toBe(0);
    expect(await server.run('journalctl -u homeserver-updates --no-pager -o cat')).toContain('no repository is set');
    await publish(server, '1.0.0', { motd: guarded });
    await server.run(`echo '{"repoUrl": "file:///srv/updates"}' > /etc/homeserver-updates/config.json
      chown -R root: /srv && systemctl start homeserver-updates.service`);
    expect(await server.run('cat /etc/motd.d/home')).toBe('1.0.0');
    const journal = await server.run(
      'journalctl -u homeserver-updates --no-pager -o json --output-fields=PRIORITY,MESSAGE',
    );
    const said = journal
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { PRIORITY: string; MESSAGE: string });
    expect(said.find(({ MESSAGE }) => MESSAGE === 'Updated module motd')).toMatchObject({ PRIORITY: '6' });
    expect(await server.run('updater status')).toMatch(/^motd +1\.0\.0 +succeeded/m);
    expect(await server.run('updater doctor')).toMatch(/^ok +timer +the next run is due/m);
  });

  it('a module that fails is rolled back, and the hook of the owner hears of it', async () => {
    await publish(server, '2.0.0', { motd: `${guarded.replace('return', 'throw new Error("it broke"); return')}` });
    fs.writeFileSync(path.join(server.root, 'etc/homeserver-updates/on-failure'), '#!/bin/sh\ntouch /root/told\n', {
      mode: 0o755,
    });
    expect((await server.attempt('systemctl start homeserver-updates.service')).exitCode).not.toBe(0);
    expect(await server.run('cat /etc/motd.d/home')).toBe('1.0.0');
    const journal = await server.run('journalctl -u homeserver-updates --no-pager -p warning -o cat');
    expect(journal).toMatch(/Module 'motd' 2\.0\.0 was rolled back: 1\.0\.0 is back/);
    await server.run('for n in $(seq 50); do [ -e /root/told ] && exit; sleep 0.1; done; exit 1');
  });

  it('the emergency program has the backup of the module', async () => {
    expect(await server.run('rollback-standalone --list-backups')).toContain('motd');
    await server.run('echo mine > /etc/motd.d/home && rollback-standalone --restore-backup motd --yes');
    expect((await server.attempt('cat /etc/motd.d/home')).stdout).not.toBe('mine\n');
  });

  it('an interrupted change is undone after a power cut, without anybody', async () => {
    await publish(server, '3.0.0', {
      motd: guarded
        .replace('context.version)', `'half'); await new Promise((r) => setTimeout(r, 60_000)); }`)
        .replace('async () => fs', 'async () => { fs'),
    });
    await server.run('echo mine > /etc/motd.d/home; systemctl start --no-block homeserver-updates.service');
    await server.run('for n in $(seq 300); do grep -q half /etc/motd.d/home && exit; sleep 0.1; done; exit 1');
    await server.powerCut();
    await server.boot();
    await server.run('for n in $(seq 600); do grep -q mine /etc/motd.d/home && exit; sleep 0.1; done; exit 1');
    await server.run(
      'for n in $(seq 300); do journalctl -u homeserver-updates-recover | grep -q "Recovered from an inter" && exit; sleep 0.1; done; exit 1',
    );
  });

  it('removed and installed again it goes on; purged, it leaves the backups', async () => {
    await server.run('dpkg --remove homeserver-updates');
    expect((await server.attempt('updater --version')).exitCode).not.toBe(0);
    expect(await server.run('ls /etc/homeserver-updates')).toContain('config.json');
    await server.run('dpkg --install /root/package.deb');
    expect(await server.run('updater status')).toMatch(/^motd +3\.0\.0/m);
    expect(await server.run('dpkg --purge homeserver-updates 2>&1')).toContain('are kept');
    expect((await server.attempt('ls /etc/homeserver-updates /var/lib/homeserver-updates')).stdout).toBe('');
    expect(await server.run('ls /var/backups/updates')).toContain('motd_backup');
    expect(
      await server.run('systemctl list-units --all --no-legend "homeserver-updates*" | grep -v not-found || true'),
    ).toBe('');
  });
});
