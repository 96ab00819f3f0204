import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describeOnServers, describeTree, startServer, type Server } from '@homeserver/test-support';
import { beforeAll, expect, it } from 'vitest';
import { executable } from './support/executable.ts';

const checkout = path.resolve(import.meta.dirname, '../../..');
const node = fs.realpathSync(process.execPath);
const updater = `${node} ${checkout}/apps/updater/bin/updater.js`;
/** How the owner types it: no environment, no PATH, from a medium of its own. */
const rollback = 'env -i /media/usb/rollback-standalone';

const albumUnit = `[Service]
ExecStart=/bin/sh -c 'while :; do cat /srv/album/greeting > /run/album; sleep 1; done'
[Install]
WantedBy=multi-user.target
`;

/** A home server at work: a website, a service of its owner's, and a database with 1,000 rows; all of it backed up as `home`. */
async function makeHomeServer(server: Server): Promise<void> {
  await server.run(`mkdir -p /srv/album/photos /media/usb && echo hello > /srv/album/greeting
    for n in 1 2 3; do head -c 100000 /dev/urandom > /srv/album/photos/$n; done
    chown -R www-data:www-data /srv/album/photos && ln -s photos/1 /srv/album/latest
    echo '<h1>home</h1>' > /var/www/html/index.html`);
  fs.writeFileSync(path.join(server.root, 'etc/systemd/system/album.service'), albumUnit);
  await server.run(`systemctl daemon-reload && systemctl enable --now album nginx
    runuser -u postgres -- createdb album
    runuser -u postgres -- psql -qd album -c 'CREATE TABLE photos AS SELECT n, md5(n::text) AS name FROM generate_series(1, 1000) n'`);
  await server.copyIn(executable(), '/media/usb/rollback-standalone');
  await server.run(`${updater} backup home --file /srv/album --file /etc/nginx --file /etc/systemd/system/album.service \
    --file /var/www/html --service album --service nginx --service postgresql \
    --database '{"type":"postgresql","database":"album"}' --description 'before the worst day'`);
}

/** Everything that the owner would look at. */
async function stateOf(server: Server): Promise<unknown> {
  const { stdout: units } = await server.attempt(
    'systemctl is-enabled album nginx postgresql; systemctl is-active album nginx postgresql',
  );
  const { stdout: rows } = await server.attempt(
    `runuser -u postgres -- psql -Atqd album -c 'SELECT count(*), min(name), max(name) FROM photos'`,
  );
  const trees = ['srv/album', 'etc/nginx', 'var/www/html', 'etc/systemd/system/album.service'].map((name) => {
    const root = path.join(server.root, name);
    return fs.existsSync(root) ? describeTree(root) : 'gone';
  });
  return { units, rows, trees };
}

/** The updater, its Node, its state and the index of its backups: nothing is left but the backups themselves. */
async function loseTheUpdater(server: Server): Promise<void> {
  await server.run(`rm -rf /var/lib/homeserver-updates /var/local/lib/updates /etc/homeserver-updates
    rm /var/backups/updates/module_backups.json
    umount --lazy ${checkout}`);
  expect((await server.attempt(`${updater} --version`)).exitCode).not.toBe(0);
  expect((await server.attempt('command -v node git npm')).stdout).toBe('');
}

await describeOnServers('the worst day of a server', () => {
  let server: Server;
  let was: unknown;
  beforeAll(async () => {
    const shared = [checkout, ...(node.startsWith(`${checkout}/`) ? [] : [path.dirname(node)])];
    server = await startServer({ shared: shared.map((place) => ({ path: place })) });
    await makeHomeServer(server);
    was = await stateOf(server);
    return () => server.stop();
  });

  it('ends with files, services and the database as they were, by the executable alone', async () => {
    expect(was).toMatchObject({
      units: expect.stringMatching(/^(enabled\n){3}(active\n){3}$/),
      rows: expect.stringMatching(/^1000\|/),
    });
    await loseTheUpdater(server);
    await server.run(`systemctl disable --now album nginx
      rm -rf /srv/album/photos /etc/nginx && echo broken > /srv/album/greeting && echo upload > /srv/album/new
      rm /etc/systemd/system/album.service && systemctl daemon-reload
      runuser -u postgres -- dropdb album`);
    expect(await stateOf(server)).not.toEqual(was);

    const listed = await server.run(`${rollback} --list-backups`);
    expect(listed).toMatch(/^home {2}\d{4}-.* before the worst day\n {4}\/srv\/album\n/);
    expect(listed).toContain('    service album.service\n');
    expect(listed).toContain('    database postgresql album\n');
    expect(await server.run(`${rollback} --recover`)).toBe('Nothing was open.\n');
    expect(await server.run(`${rollback} --verify`)).toBe('home  good\n');
    const restored = await server.run(`${rollback} --restore-backup home --yes`);
    expect(await stateOf(server)).toEqual(was);
    const [, kept = ''] = /^ {2}moved away: \/srv\/album\/new -> (\S+)$/m.exec(restored) ?? [];
    expect(fs.readFileSync(path.join(server.root, kept), 'utf8')).toBe('upload\n');
    expect(await server.run(`${rollback} --restore-backup home --yes`)).toMatch(/: 0 put back, /);
  });

  it('ends likewise when the disk is restored on another machine first, and the machine does the rest', async () => {
    await server.powerCut();
    const disk = server.root;
    fs.rmSync(path.join(disk, 'srv/album'), { recursive: true });
    fs.rmSync(path.join(disk, 'etc/systemd/system/multi-user.target.wants/album.service'));
    const run = (...args: string[]) =>
      spawnSync(executable(), [...args, '--target-root', disk], { encoding: 'utf8', env: {}, input: '' });
    const { status, stdout, stderr } = run('--restore-backup', 'home', '--yes');
    expect(status).toBe(0);
    expect(stdout).toContain(`  put back: ${disk}/srv/album\n`);
    expect(stdout).toContain('  put back: album.service: enabled\n');
    expect(stderr).toContain('has to be restored on the machine that its server runs on');
    await server.boot();
    expect(await stateOf(server)).toEqual(was);
  });
});
