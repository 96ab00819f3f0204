import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Bench } from '../bench.ts';
import type { Command } from '../time-command.ts';

/* Servers with modules that do nothing: what is left is the cost of the cycle itself. */

const updater = createRequire(import.meta.url).resolve('@homeserver/updater/bin/updater.js');
const peers = path.resolve(import.meta.dirname, '../../peers');

const mainOf = {
  'index.ts': `export async function main() {\n  return { success: true, changed: false };\n}\n`,
  'index.py': `def main(args):\n    return {"success": True, "changed": False}\n`,
} as const;

/** A git repository with this many modules, each an index.json and a main that does nothing. */
export async function moduleRepository(bench: Bench, modules: number, main: keyof typeof mainOf): Promise<string> {
  const directory = bench.freshDirectory('repository');
  fs.writeFileSync(path.join(directory, 'index.json'), indexOf({ schema_version: '1.0.0', channel: 'stable' }));
  for (let number = 1; number <= modules; number += 1) {
    const name = `module-${String(number).padStart(4, '0')}`;
    const module = path.join(directory, 'modules', name);
    fs.mkdirSync(module, { recursive: true });
    const metadata = { schema_version: '1.0.0', name, description: 'Changes nothing', enabled: true };
    fs.writeFileSync(path.join(module, 'index.json'), indexOf(metadata));
    fs.writeFileSync(path.join(module, main), mainOf[main]);
  }
  const git = (...args: string[]): Promise<void> =>
    bench.run({ argv: ['git', '-C', directory, '-c', 'user.name=M', '-c', 'user.email=m@example.org', ...args] });
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', '--all');
  await git('commit', '--quiet', '--message=modules that do nothing');
  return `file://${directory}`;
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
