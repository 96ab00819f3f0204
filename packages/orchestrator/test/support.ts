import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import type { Logger } from '@homeserver/system';
import {
  createRepository,
  makeTree,
  temporaryDirectory,
  type GitRepository,
  type TreeNode,
} from '@homeserver/test-support';
import { readModuleRecords, writeModuleRecords, type Unproven } from '../src/records/module-records.ts';
import type { CycleReport } from '../src/report/cycle-report.ts';
import type { ModuleOutcome } from '../src/run/module-outcome.ts';
import { openServer, type Server } from '../src/server.ts';
import { linkTarget, storeEntryName } from '../src/store/store-entry.ts';
import { update } from '../src/update.ts';
import type { UpdateOptions } from '../src/update-options.ts';
import { OrchestratorError, type OrchestratorErrorCode } from '../src/index.ts';

/** A logger that keeps what it is told, `warn: text`; lines of a module as `warn: name: text`. */
export function listener(): Logger & { readonly said: string[]; of(name: string): Logger } {
  const said: string[] = [];
  const loggerFor = (prefix: string): Logger => {
    const say =
      (level: string) =>
      (message: string): void =>
        void said.push(`${level}: ${prefix}${message}`);
    return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  };
  return { said, ...loggerFor(''), of: (name) => loggerFor(`${name}: `) };
}

export interface Home {
  root: string;
  server: Server;
  said: string[];
  /** A path below `modules/`. */
  at(...parts: string[]): string;
}

/** A server folder of its own; nothing is in it yet. */
export function home(root: string = temporaryDirectory()): Home {
  const logger = listener();
  const locations = {
    modulesPath: path.join(root, 'updates'),
    stateDir: path.join(root, 'state'),
    localRepo: path.join(root, 'state/repo'),
    backupDir: path.join(root, 'backups'),
  };
  const server = openServer(locations, { logger, logFor: (name) => logger.of(name) });
  return { root, server, said: logger.said, at: (...parts) => path.join(server.paths.modules, ...parts) };
}

export interface Scene extends Home {
  repository: GitRepository;
  /** Writes modules into the repository, over what is there, and commits. */
  publish(modules: Record<string, ModuleFiles>): Promise<string>;
  cycle(options?: UpdateOptions): Promise<CycleReport>;
}

/** A server folder and a repository beside it. */
export async function scene(): Promise<Scene> {
  const here = home();
  const repository = await createRepository(path.join(here.root, 'remote'));
  return {
    ...here,
    repository,
    publish: (modules) => repository.commit({ modules }),
    cycle: (options = {}) => update(here.server, { repository: { url: repository.url, branch: 'main' }, ...options }),
  };
}

export const quiet = 'export const main = async () => ({ success: true, changed: false });\n';
export const broken = "export const main = async () => ({ success: false, error: 'it is broken' });\n";

export interface ModuleFiles {
  [file: string]: TreeNode;
}

/** The files of a module. */
export function module(
  version: string,
  source: string = quiet,
  metadata: Record<string, unknown> = {},
  entry = 'index.mjs',
): ModuleFiles {
  return { 'index.json': JSON.stringify({ metadata: { schema_version: version, ...metadata } }), [entry]: source };
}

/** Twelve hex digits that stand for a tree. */
export function treeOf(text: string): string {
  return createHash('sha1').update(text).digest('hex').slice(0, 12);
}

/** Puts a version into the store, without a link; returns the entry. */
export function store({ server }: Home, name: string, version: string, files: ModuleFiles = module(version)): string {
  const entry = storeEntryName(name, version, treeOf(`${name}@${version}`));
  makeTree(server.paths.store, { [entry]: files });
  return entry;
}

/** Puts a version onto the server, as an update that was proven since would have; returns the entry. */
export function install(here: Home, name: string, version: string, files: ModuleFiles = module(version)): string {
  fs.mkdirSync(here.server.paths.modules, { recursive: true });
  fs.mkdirSync(here.server.paths.store, { recursive: true });
  const entry = store(here, name, version, files);
  pointAt(here, name, entry);
  return entry;
}

/** Makes `modules/<name>` a link to the entry; null removes it. */
export function pointAt(here: Home, name: string, entry: string | null): void {
  fs.rmSync(here.at(name), { force: true });
  if (entry !== null) fs.symlinkSync(linkTarget(entry), here.at(name));
}

/** Notes that a version has not succeeded yet. */
export function markUnproven({ server }: Home, name: string, unproven: Partial<Unproven> & { entry: string }): void {
  const file = server.paths.moduleRecords;
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const records = readModuleRecords(file);
  records[name] = { ...records[name], unproven: { previous: null, previous_backup: null, starts: 0, ...unproven } };
  writeModuleRecords(file, records);
}

export function unprovenOf({ server }: Home, name: string): Unproven | undefined {
  return readModuleRecords(server.paths.moduleRecords)[name]?.unproven;
}

/** Every link below `modules/` with the version that it stands for: `web 1.0.0`, `web.backup 0.9.0`. */
export function links({ server }: Home): string[] {
  return fs
    .readdirSync(server.paths.modules)
    .sort()
    .map((name) => {
      const place = path.join(server.paths.modules, name);
      if (!fs.lstatSync(place).isSymbolicLink()) return `${name} (no link)`;
      const target = fs.readlinkSync(place);
      const version = /@(.*)-[0-9a-f]{12}$/.exec(target)?.[1] ?? target;
      return `${name} ${version}${fs.existsSync(place) ? '' : ' (dangling)'}`;
    });
}

export function entriesInStore({ server }: Home): string[] {
  return fs
    .readdirSync(server.paths.store)
    .filter((name) => name !== 'package.json')
    .map((name) => name.replace(/-[0-9a-f]{12}$/, ''))
    .sort();
}

export function globalIndex({ server }: Home): { metadata: unknown; packages: Record<string, string> } {
  return JSON.parse(fs.readFileSync(server.paths.globalIndex, 'utf8'));
}

/** Runs what is installed, without a repository; the outcomes by name. */
export async function runAll(here: Home, options: UpdateOptions = {}): Promise<Record<string, ModuleOutcome>> {
  const report = await update(here.server, { only: 'run', ...options });
  return Object.fromEntries(report.outcomes.map((outcome) => [outcome.name, outcome]));
}

/** For `toThrow`: an error of this package, one line, with this code and these words. */
export function refusal(code: OrchestratorErrorCode, words: RegExp = /./): Error {
  const message: unknown = expect.stringMatching(new RegExp(`^(?=[^\\n]*$).*(?:${words.source})`));
  return expect.objectContaining({ name: OrchestratorError.name, code, message }) as Error;
}

/** The source of a module whose main() has this body. */
export function main(body: string): string {
  return `import fs from 'node:fs';\nexport async function main(args, context) {\n${body}\n}\n`;
}

export interface UpdaterProcess {
  /** The exit code, or null when a signal ended it. */
  ended: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

/** What starts an updater in a process of its own, on the server folder of `here`. */
export function updaterCommand({ root, server }: Home, options: UpdateOptions = { only: 'run' }): [string, string] {
  const { modulesPath, stateDir, localRepo, backupDir } = server.paths;
  const script = path.join(root, 'updater.mjs');
  const locations = JSON.stringify({ modulesPath, stateDir, localRepo, backupDir });
  fs.writeFileSync(
    script,
    `import { openServer, update } from '${path.join(import.meta.dirname, '../src/index.ts')}';
     await update(openServer(${locations}), ${JSON.stringify(options)});`,
  );
  return [process.execPath, script];
}

/** An updater in a process of its own. */
export function startUpdater(
  here: Home,
  options: UpdateOptions = { only: 'run', waitMs: 10_000 },
  fileSizeLimit?: number,
): UpdaterProcess {
  // With the signal ignored, a file that grows beyond the limit is an error of the write, as on a full disk.
  const limit = fileSizeLimit === undefined ? '' : `trap '' XFSZ; ulimit -S -f ${fileSizeLimit / 512};`;
  const child = spawn('sh', ['-c', `${limit} exec "$0" "$1"`, ...updaterCommand(here, options)], { stdio: 'inherit' });
  return {
    ended: new Promise((resolve) => child.once('exit', (code) => resolve(code))),
    kill: (signal) => void child.kill(signal),
  };
}

/** Waits until `file` has something in it, and returns that. */
export async function waitForFile(file: string): Promise<string> {
  for (;;) {
    const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
    if (text !== '') return text;
    await sleep(5);
  }
}

/** The umask that the updater has: what others are to read must not depend on it. */
export function useUpdaterUmask(): void {
  const before = process.umask(0o077);
  onTestFinished(() => void process.umask(before));
}

/** Whether a process is there and no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !fs.readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
