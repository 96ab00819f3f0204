import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createRepository } from '@homeserver/test-support';
import type { Bench } from '../bench.ts';
import type { Command } from '../time-command.ts';

/* Servers with modules that do nothing: what is left is the cost of the cycle itself. */

const updater = createRequire(import.meta.url).resolve('@homeserver/updater/bin/updater.js');
const peers = path.resolve(import.meta.dirname, '../../peers');

const mainOf = {
  'index.ts': `export async function main() {\n  return { success: true, changed: false };\n}\n`,
  'index.py': `def main(args):\n    return {"success": True, "changed": False}\n`,
} as const;

/** A main that keeps a processor busy for so long. */
export const busyMain = (milliseconds: number): string =>
  `export async function main() {
  const start = process.cpuUsage();
  while (process.cpuUsage(start).user < ${milliseconds * 1000}) for (let n = 0; n < 1e6; n += 1);
  return { success: true, changed: false };
}\n`;

/** A git repository with this many modules, each an index.json and a main that does nothing, or what `source` says; its URL. */
export async function moduleRepository(
  bench: Bench,
  modules: number,
  main: keyof typeof mainOf,
  source: string = mainOf[main],
): Promise<string> {
  const names = Array.from({ length: modules }, (_, at) => `module-${String(at + 1).padStart(4, '0')}`);
  const repository = await createRepository(bench.fresh('repository'));
  await repository.commit({
    'index.json': indexOf({ schema_version: '1.0.0', channel: 'stable' }),
    modules: Object.fromEntries(names.map((name) => [name, { 'index.json': moduleIndex(name), [main]: source }])),
  });
  return repository.url;
}

function moduleIndex(name: string): string {
  return indexOf({ schema_version: '1.0.0', name, description: 'Changes nothing', enabled: true });
}

function indexOf(metadata: object): string {
  return `${JSON.stringify({ metadata }, undefined, 2)}\n`;
}

/** `updater run` on a server folder of its own, where nothing is installed yet. */
export function updaterRun(bench: Bench, repository: string, ...args: string[]): Command {
  const server = bench.freshDirectory('server');
  return {
    argv: [process.execPath, updater, 'run', ...args],
    env: {
      UPDATER_REPO_URL: repository,
      UPDATER_MODULES_PATH: path.join(server, 'lib'),
      UPDATER_STATE_DIR: path.join(server, 'state'),
      UPDATER_LOCAL_REPO: path.join(server, 'repo'),
      UPDATER_BACKUP_DIR: path.join(server, 'backups'),
      UPDATER_LOG_FILE: path.join(server, 'updates.log'),
    },
  };
}

/** Another run on the same server. */
export const updaterAgain = (command: Command, ...args: string[]): Command => ({
  ...command,
  argv: [process.execPath, updater, 'run', ...args],
});

/** What asking a repository for its tip costs. */
export const listRemote = (repository: string): Command => ({
  argv: ['git', 'ls-remote', repository, 'refs/heads/main'],
});

/** A cycle as the predecessor did it; peers/run_modules.py says how. */
export function predecessorRun(bench: Bench, repository: string): Command {
  const server = bench.freshDirectory('predecessor');
  fs.mkdirSync(path.join(server, 'modules'));
  return { argv: ['python3', path.join(peers, 'run_modules.py'), repository, server] };
}

/** A playbook of this many tasks that find everything as it should be, on this machine, without gathering facts. */
export function ansibleRun(bench: Bench, tasks: number): Command {
  const playbook = bench.fresh('playbook.yml');
  const task = `    - ansible.builtin.file:\n        path: ${bench.directory}\n        state: directory\n`;
  fs.writeFileSync(playbook, `- hosts: localhost\n  gather_facts: false\n  tasks:\n${task.repeat(tasks)}`);
  return {
    argv: ['ansible-playbook', '-i', 'localhost,', '-c', 'local', playbook],
    env: { LC_ALL: 'C.UTF-8' },
  };
}
