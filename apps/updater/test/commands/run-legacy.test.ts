import fs from 'node:fs';
import path from 'node:path';
import { runCommand, type CommandResult } from '@homeserver/system';
import { beforeEach, describe, expect, it } from 'vitest';
import { repositoryWith } from '../support/module-files.ts';
import { serverFolder, type ServerFolder } from '../support/server-folder.ts';
import { program } from '../support/run-updater.ts';

let server: ServerFolder;
let manager: string;

/** A server that has run once; `bad` fails. */
beforeEach(async () => {
  server = await serverFolder();
  const main = "return { success: false, error: 'no' };";
  await server.repository.commit(repositoryWith({ good: { version: '1.0.0' }, bad: { version: '1.0.0' } }));
  await server.updater('run');
  await server.repository.commit(repositoryWith({ good: { version: '1.0.0' }, bad: { version: '1.0.1', main } }));
  await server.updater('run', '--only', 'replace');
  manager = path.join(server.modulesPath, 'updateManager.sh');
});

async function writeManifest(children: string[]): Promise<void> {
  const updates = [{ name: 'all', children }, ...children.map((name) => ({ name, version: '1.0.0', checksum: '' }))];
  fs.writeFileSync(path.join(server.modulesPath, 'manifest.json'), JSON.stringify({ updates, entrypoint: 'all' }));
  for (const name of children) {
    const ended = await server.updater('legacy', 'checksum', path.join(server.modulesPath, 'modules', name), '--write');
    expect(ended).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^sha256:[0-9a-f]{64}\nwritten .*: \w+\n$/),
    });
  }
}

describe('updater --legacy', { timeout: 60_000 }, () => {
  it('ends with 0 when all went well, and with 3 when one failed; the others are run', async () => {
    await writeManifest(['good']);
    const { exitCode, answer } = await server.answer('--legacy');
    expect([exitCode, answer.ok, answer.data.modules.length]).toEqual([0, true, 1]);
    await writeManifest(['bad', 'good']);
    const ended = await server.updater('run', '--legacy');
    expect(ended.exitCode).toBe(3);
    expect(ended.stdout).toContain("✗ Module 'bad' failed: no");
    expect(ended.stdout).toContain("✓ Module 'good' executed successfully");
    expect((await server.updater('history')).stdout).toMatch(/failed +legacy, 2 run, failed: bad\n/);
  });

  it('ends with 2 without a manifest, and together with flags of a cycle', async () => {
    expect(await server.updater('--legacy')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('manifest.json: it does not exist'),
    });
    expect((await server.updater('run', '--legacy', '--only', 'run')).exitCode).toBe(2);
  });
});

/** The wrapper as an owner calls it, with the program in PATH. */
function callManager(args: string[], environment: Record<string, string> = {}): Promise<CommandResult> {
  const bin = path.join(server.root, 'bin');
  fs.mkdirSync(bin, { recursive: true });
  fs.writeFileSync(path.join(bin, 'updater'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, {
    mode: 0o755,
  });
  const { UPDATER_MODULES_PATH: _, ...rest } = server.environment;
  const env = { HOME: server.root, ...rest, PATH: `${bin}:${process.env['PATH']}`, ...environment };
  return runCommand(['sh', manager, ...args], { env, cwd: '/' });
}

describe('updateManager.sh', { timeout: 60_000 }, () => {
  it('runs a cycle, checks, and runs the manifest, on the folder that it lies in', async () => {
    expect((await callManager(['--check'])).exitCode).toBe(0);
    await writeManifest(['good']);
    const legacy = await callManager(['--legacy', '--json']);
    expect([legacy.exitCode, JSON.parse(legacy.stdout.toString()).data.modules[0].name]).toEqual([0, 'good']);
    const run = await callManager([]);
    expect([run.exitCode, run.stdout.toString()]).toEqual([3, expect.stringContaining("✗ Module 'bad' failed")]);
  });

  it('explains itself with --help, and says what is missing without the program', async () => {
    const help = await callManager(['--help']);
    expect([help.exitCode, help.stdout.toString()]).toEqual([
      0,
      expect.stringMatching(/--check[\s\S]*--legacy[\s\S]*--help/),
    ]);
    const without = await callManager(['--check'], { UPDATER_PROGRAM: 'no-such-updater' });
    expect([without.exitCode, without.stderr.toString()]).toEqual([
      2,
      expect.stringMatching(/^updateManager\.sh: .*no-such-updater was not found.*\n$/),
    ]);
  });

  it('takes the place of another one, which is kept', async () => {
    fs.writeFileSync(manager, '#!/bin/bash\npython3 index.py "$@"\n');
    await server.updater('run');
    expect(fs.readFileSync(`${manager}.backup`, 'utf8')).toContain('python3');
    expect((await callManager(['--help'])).exitCode).toBe(0);
  });
});
