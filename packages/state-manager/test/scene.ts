import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { pathToJson, toRawPath, type Logger } from '@homeserver/system';
import { makeTree, temporaryDirectory, type TreeNode } from '@homeserver/test-support';
import { it, onTestFinished } from 'vitest';
import { Displaced } from '../src/displaced.ts';
import { captureFiles, type WantedFiles } from '../src/files/capture-files.ts';
import type { CapturedEntry, CapturedFiles } from '../src/files/file-record.ts';
import { prepareRestore } from '../src/files/restore-files.ts';
import type { StateManagerOptions } from '../src/engine.ts';
import { StateManager } from '../src/state-manager.ts';
import type { SourceReport } from '../src/state-source.ts';

/** A live tree in a folder of its own, with backups and state beside it. */
export interface Scene {
  readonly root: string;
  readonly live: string;
  readonly backupDir: string;
  readonly stateDir: string;
  /** What was logged, as "level message". */
  readonly said: string[];
  readonly logger: Logger;
  /** A path below the live tree. */
  at(...names: string[]): string;
  read(...names: string[]): string;
  write(name: string, content: string): void;
  stateManager(options?: StateManagerOptions): StateManager;
}

export function scene(tree: { [name: string]: TreeNode } = {}, root: string = temporaryDirectory()): Scene {
  const live = path.join(root, 'live');
  fs.mkdirSync(live);
  makeTree(live, tree);
  const [backupDir, stateDir] = [path.join(root, 'backups'), path.join(root, 'state')];
  const { said, logger } = listener();
  return {
    root,
    live,
    backupDir,
    stateDir,
    said,
    logger,
    at: (...names) => path.join(live, ...names),
    read: (...names) => fs.readFileSync(path.join(live, ...names), 'utf8'),
    write: (name, content) => fs.writeFileSync(path.join(live, name), content),
    stateManager: (options = {}) => new StateManager({ backupDir, stateDir, logger, ...options }),
  };
}

function listener(): { said: string[]; logger: Logger } {
  const said: string[] = [];
  const hear = (level: string) => (message: string) => void said.push(`${level} ${message}`);
  return { said, logger: { debug: hear('debug'), info: hear('info'), warn: hear('warn'), error: hear('error') } };
}

/** One capture of files below the facade, and what can be done with it. */
export interface FilesBackup {
  readonly directory: string;
  readonly captured: CapturedFiles & { entries: CapturedEntry[] };
  restore(): Promise<SourceReport>;
}

export function captureBackup(where: Scene, wanted: WantedFiles, parent: string = where.root): FilesBackup {
  const directory = fs.mkdtempSync(path.join(parent, 'backup-'));
  const record = captureFiles(wanted, { directory, forbidden: [], logger: where.logger });
  const captured = { ...record, entries: [...record.entries] };
  return {
    directory,
    captured,
    restore: async () => {
      const context = { directory, displaced: new Displaced(directory), logger: where.logger };
      return (await prepareRestore(captured, context)).apply();
    },
  };
}

/** A directory on another file system than the temp directory: what goes there cannot be renamed or linked. */
export function otherFileSystem(): string {
  const directory = fs.mkdtempSync('/dev/shm/homeserver-test-');
  onTestFinished(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A file system of its own with so many MiB of room; only for root. */
export function smallFileSystem(
  sizeMiB: number,
  type: 'tmpfs' | 'ext4' = 'tmpfs',
  makeOptions: readonly string[] = [],
): string {
  const directory = temporaryDirectory();
  if (type === 'tmpfs') {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m,mode=0755`, 'homeserver-test', directory]);
  } else {
    const image = path.join(temporaryDirectory(), 'image');
    fs.writeFileSync(image, '');
    fs.truncateSync(image, sizeMiB * 1024 * 1024);
    execFileSync('/usr/sbin/mkfs.ext4', ['-q', '-m', '0', ...makeOptions, image]);
    execFileSync('mount', ['-o', 'loop', image, directory]);
  }
  onTestFinished(() => void execFileSync('umount', ['--lazy', directory]));
  return directory;
}

/** The path of an entry, as the record has it. */
export const recorded = (file: string | Uint8Array): ReturnType<typeof pathToJson> => pathToJson(toRawPath(file));

export const isRoot: boolean = process.getuid?.() === 0;

/** A test of what only root can make; left out for anybody else, and that is said. */
export function asRoot(name: string, test: () => void | Promise<void>): void {
  if (!isRoot) process.stderr.write(`left out, because it needs root: ${name}\n`);
  it.skipIf(!isRoot)(name, test);
}
