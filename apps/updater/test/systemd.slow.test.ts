import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  describeOnServers,
  link,
  makeTree,
  nodeForServers,
  startServer,
  type Server,
  type TreeNode,
} from '@homeserver/test-support';
import { beforeAll, expect, it } from 'vitest';
import { endingsOf, misbehaviours, type Misbehaviours } from './support/misbehaviours.ts';
import { moduleFiles } from './support/module-files.ts';
import { releaseTree } from './support/releases.ts';
import { program } from './support/run-updater.ts';

/* What the updater does on a server with systemd: its modules in scopes, and itself not at the mercy of who started it. */

const LIBRARY = 'var/local/lib/updates';
const MODULES = `${LIBRARY}/modules`;
const LOG = 'var/log/homeserver/updates.log';
const HELD = '/srv/held';

/** Installs modules as plain directories: there is no git on the server, and no repository is needed to run them. */
function install(server: Server, modules: Misbehaviours['modules']): void {
  const trees = Object.entries(modules).map(([name, module]) => [name, moduleFiles(name, module)]);
  fs.rmSync(path.join(server.root, MODULES), { recursive: true, force: true });
  fs.mkdirSync(path.join(server.root, MODULES), { recursive: true });
  makeTree(path.join(server.root, MODULES), Object.fromEntries(trees));
}

const read = (server: Server, file: string): string => fs.readFileSync(path.join(server.root, file), 'utf8');

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; !(await condition()); await sleep(50))
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
}

/** A daemon that no longer has the environment, the parent, the session or the output of who started it. */
const daemon = (line: string): string => `
  const { spawn } = await import('node:child_process');
  spawn('env', ['-i', '/usr/bin/setsid', '-f', '/bin/sh', '-c', ${JSON.stringify(line)}], { stdio: 'ignore' });`;

await describeOnServers('the updater on a server with systemd', () => {
  const { node, shared } = nodeForServers();
  const updater = `${node} ${program}`;
  let server: Server;
  const scopes = (): Promise<string> => server.run(`systemctl list-units --all --no-legend 'homeserver-updat*'`);
  const isActive = async (unit: string): Promise<boolean> =>
    (await server.attempt(`systemctl is-active ${unit}`)).exitCode === 0;
  beforeAll(async () => {
    server = await startServer({ shared });
    return () => server.stop();
  });

  it('goes on when a module stops the service that has started it, whatever else modules do', async () => {
    const { modules, endings } = misbehaviours('/srv');
    const main = `const { exitCode } = await context.run(['systemctl', 'stop', 'web-ui']);
      return { success: exitCode === 0 };`;
    install(server, { ...modules, 'stops-its-parent': { version: '1.0.0', main } });
    await server.run(`systemd-run --quiet --unit=web-ui sh -c '${updater} run --only run --jobs 4; sleep 1000'`);
    await until('the service is stopped', async () => !(await isActive('web-ui')));
    await until('the updater ends', async () => (await scopes()) === '');
    expect(read(server, LOG)).toMatch(/Started from web-ui\.service; it goes on in a scope of its own/);
    const [run] = JSON.parse(await server.run(`${updater} history --json`)).data;
    expect(run.outcome).toBe('failed');
    expect(endingsOf(run.modules)).toEqual({ ...endings, 'stops-its-parent': 'succeeded' });
  });

  it('stays in a unit of its own, and gives its modules a scope', async () => {
    install(server, {
      tells: {
        version: '1.0.0',
        main: `console.log('module ' + fs.readFileSync('/proc/self/cgroup', 'utf8'));
        console.log('updater ' + fs.readFileSync('/proc/' + process.ppid + '/cgroup', 'utf8'));
        return { success: true };`,
      },
    });
    const said = await server.run(`systemd-run --quiet --pipe --wait --collect --unit=own ${updater} run --only run`);
    expect(said).not.toContain('Started from');
    const [, module = '', itself = ''] = /module ([\s\S]*)updater ([\s\S]*)/.exec(said) ?? [];
    expect(module).toMatch(/\/homeserver-updates-\d{8}T\d{6}Z-[0-9a-f]+\.1\.scope\n/);
    expect(itself).toMatch(/\/own\.service\n/);
    expect(itself).not.toContain('.scope');
  });

  it('gives the scope of a module to the fresh process that it asks for', async () => {
    install(server, {
      restarts: {
        version: '1.0.0',
        main: `console.log('in ' + /[^/]*\\.scope/.exec(fs.readFileSync('/proc/self/cgroup', 'utf8')));
        const isFirst = !fs.existsSync(context.stateDir + '/x');
        fs.writeFileSync(context.stateDir + '/x', '');
        return isFirst ? false : { success: true };`,
      },
    });
    const said = await server.run(`${updater} run --only run`);
    expect(said).not.toContain('cannot make the scope');
    const scopesOf = [...said.matchAll(/ in (homeserver-updates-.*\.1\.scope)$/gm)].map(([, scope]) => scope);
    expect([scopesOf.length, new Set(scopesOf).size]).toEqual([2, 1]);
  });

  it('ends a daemon that has hidden everything but its scope, as soon as its module has ended', async () => {
    install(server, {
      hides: {
        version: '1.0.0',
        main: `${daemon(`while :; do echo x >> /srv/ticks; sleep 0.05; done`)}
        while (!fs.existsSync('/srv/ticks')) await new Promise((go) => setTimeout(go, 5));
        return { success: true };`,
      },
    });
    await server.run(`${updater} run --only run`);
    const ticks = read(server, 'srv/ticks').length;
    await sleep(300);
    expect(read(server, 'srv/ticks').length).toBe(ticks);
  });

  it('recovers, after kill -9, only when such a daemon cannot write behind it any more', async () => {
    await server.run(`echo mine > ${HELD}; rm -f /srv/armed`);
    install(server, {
      holds: {
        version: '1.0.0',
        main: `await context.state.guard('holds', { files: ['${HELD}'] }, async () => {
        ${daemon(`while :; do echo theirs >> ${HELD}; touch /srv/armed; sleep 0.02; done`)}
        await new Promise((go) => setTimeout(go, 600_000));
      });`,
      },
    });
    await server.run(`systemd-run --quiet --unit=doomed ${updater} run --only run`);
    await until('the daemon writes', () => fs.existsSync(path.join(server.root, 'srv/armed')));
    await server.run(`kill -9 $(systemctl show --property=MainPID --value doomed)`);
    const before = read(server, HELD).length;
    await until('the daemon has outlived them', () => read(server, HELD).length > before);

    const recovered = await server.run(`${updater} recover`);
    expect(recovered).toMatch(/of its processes still lived, and were ended/);
    expect(read(server, HELD)).toBe('mine\n');
    await sleep(300);
    expect(read(server, HELD)).toBe('mine\n');
    expect(await scopes()).toBe('');
  });

  it('does both in a release that runs in its place', async () => {
    const { orchestrator } = (await releaseTree({ version: '1.1.0' })) as { orchestrator: TreeNode };
    makeTree(server.root, {
      [`${LIBRARY}/orchestrator`]: { releases: { '1.1.0': orchestrator }, current: link('releases/1.1.0') },
      'var/lib/homeserver-updates/orchestrator.json': JSON.stringify({ format: 1, proven: '1.1.0', previous: null }),
    });
    const tells = `console.log('updater ' + fs.readFileSync('/proc/' + process.ppid + '/cgroup', 'utf8'));
      return { success: true };`;
    install(server, { tells: { version: '1.0.0', main: tells } });
    const said = await server.run(`systemd-run --quiet --pipe --wait --collect --unit=own ${updater} run --only run`);
    expect(said).not.toContain('Started from');
    expect(said).toMatch(/updater .*\/own\.service\n/);

    const main = `const { exitCode } = await context.run(['systemctl', 'stop', 'web-ui']);
      return { success: exitCode === 0 };`;
    install(server, { 'stops-its-parent': { version: '1.0.0', main } });
    await server.run(`systemd-run --quiet --unit=web-ui sh -c '${updater} run --only run; sleep 1000'`);
    await until('the service is stopped', async () => !(await isActive('web-ui')));
    await until('the updater ends', async () => (await scopes()) === '');
    const [run] = JSON.parse(await server.run(`${updater} history --json`)).data;
    expect(run).toMatchObject({ outcome: 'ok', updater_version: '1.1.0' });
  });
});
