import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { StateManager } from '@homeserver/state-manager';
import { makeTree, temporaryDirectory, type TreeNode } from '@homeserver/test-support';
import { rollback, type End } from './rollback.ts';

/** A folder with live files, backups of them, and the updater's state directory. */
export interface Server {
  readonly live: string;
  readonly backups: string;
  readonly stateDir: string;
  readonly state: StateManager;
  /** Makes live files and backs them up as `module`. */
  backUp(module: string, tree: { [name: string]: TreeNode }, description?: string): Promise<void>;
  /** Runs the program on these backups. */
  rollback(...args: string[]): End;
}

export function makeServer(): Server {
  const root = temporaryDirectory();
  const [live, backups, stateDir] = ['live', 'backups', 'state'].map((name) => path.join(root, name)) as [
    string,
    string,
    string,
  ];
  fs.mkdirSync(live);
  const state = new StateManager({ backupDir: backups, stateDir });
  return {
    live,
    backups,
    stateDir,
    state,
    backUp: async (module, tree, description = '') => {
      const directory = path.join(live, module);
      fs.mkdirSync(directory, { recursive: true });
      makeTree(directory, tree);
      await state.backupModuleState(module, { files: [directory], description });
    },
    rollback: (...args) => rollback([...args, '--backup-dir', backups]),
  };
}

/** Another manifest with a checksum that is right: what only another version, or somebody else, could have written. */
export function rewriteManifest(directory: string, edit: (text: string) => string): void {
  const file = path.join(directory, 'manifest.json');
  const text = fs.readFileSync(file, 'utf8');
  const head = edit(text.slice(0, text.lastIndexOf(',\n"checksum"')));
  const checksum = createHash('sha256').update(head).digest('hex');
  fs.writeFileSync(file, `${head},\n"checksum": "${checksum}"\n}\n`);
}

/** Changes one byte in the middle of a file, and nothing else that can be seen. */
export function flipByte(file: string): void {
  const { atime, mtime } = fs.statSync(file);
  const content = fs.readFileSync(file);
  const middle = content.length >> 1;
  content[middle] = (content[middle] ?? 0) ^ 1;
  fs.writeFileSync(file, content);
  fs.utimesSync(file, atime, mtime);
}
