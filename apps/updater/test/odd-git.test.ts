import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '@homeserver/system';
import { repositoryWith } from './support/module-files.ts';
import { until } from './support/run-updater.ts';
import { serverFolder, type ServerFolder } from './support/server-folder.ts';

/** A server that is up to date, and has news. */
async function serverWithNews(): Promise<ServerFolder> {
  const server = await serverFolder();
  await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
  await server.updater('run');
  await server.repository.commit(repositoryWith({ one: { version: '1.1.0' } }));
  return server;
}

/** A PATH whose git runs `body` (shell) first when it is called with `command`. */
async function pathWithGit(server: ServerFolder, command: string, body: string): Promise<string> {
  const real = (await runCommand(['/bin/sh', '-c', 'command -v git'])).stdout.toString().trim();
  const bin = path.join(server.root, 'odd-bin');
  fs.mkdirSync(bin);
  const script = `#!/bin/sh\nfor word; do [ "$word" = ${command} ] && { ${body}; }; done\nexec ${real} "$@"\n`;
  fs.writeFileSync(path.join(bin, 'git'), script, { mode: 0o755 });
  return `${bin}:${process.env['PATH'] ?? ''}`;
}

describe('updater run with', { timeout: 60_000 }, () => {
  it.each([
    ['show-ref', 'SIGTERM', 143],
    ['rev-list', 'SIGINT', 130],
    ['cat-file', 'SIGTERM', 143],
  ] as const)('a git that hangs at %s ends on %s, and leaves nothing open', async (command, signal, exitCode) => {
    const server = await serverWithNews();
    const hung = path.join(server.root, 'hung');
    const PATH = await pathWithGit(server, command, `: > ${hung}; exec sleep 600`);
    const { child, ended } = server.start(['run'], { environment: { PATH } });
    await until('git hangs', () => fs.existsSync(hung));
    child.kill(signal);
    expect((await ended).exitCode).toBe(exitCode);
    expect((await server.updater('run')).stdout).toContain('one');
    expect(fs.readlinkSync(path.join(server.modulesPath, 'modules/one'))).toContain('1.1.0');
  });

  it('no room for the fetch ends with 1, and says where there is none', async () => {
    const server = await serverWithNews();
    const full = 'echo "fatal: write error: No space left on device" >&2; exit 128';
    const environment = { PATH: await pathWithGit(server, 'fetch', full) };
    const { exitCode, stderr } = await server.start(['check'], { environment }).ended;
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^updater: cannot fetch "main" of .* into \/.*\/repo: No space left on device\n {2}make room there: df -h /,
    );
  });

  it.each([
    ['git', 'git', ['prlimit']],
    ['prlimit', 'util-linux', ['git']],
  ])('no %s ends with 1, and names the package; so does the doctor', async (name, from, others) => {
    const server = await serverWithNews();
    const bin = path.join(server.root, 'few');
    fs.mkdirSync(bin);
    for (const other of others) {
      const place = (await runCommand(['/bin/sh', '-c', `command -v ${other}`])).stdout.toString().trim();
      fs.symlinkSync(place, path.join(bin, other));
    }
    const environment = { PATH: bin };
    const { exitCode, stderr } = await server.start(['check'], { environment }).ended;
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: `updater: ${name} is not there\n  apt-get install ${from}\n`,
    });
    const { stdout } = await server.start(['doctor', '--json'], { environment }).ended;
    const { findings } = (JSON.parse(stdout) as { data: { findings: { check: string; mend: string | null }[] } }).data;
    expect(findings.find(({ check }) => check === 'git')).toMatchObject({
      message: `${name} is not there`,
      mend: `apt-get install ${from}`,
    });
    expect(findings.filter(({ mend }) => mend === 'run it as root')).toEqual([]);
  });
});
