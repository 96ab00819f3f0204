import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { reasonOf, type Logger } from '@homeserver/system';
import { commitDirectory } from '@homeserver/version-control';
import { OrchestratorError } from '../errors.ts';
import { loadModuleIndex } from '../functions/load-module-index.ts';
import { isModuleName } from '../module-name.ts';
import { overlay } from '../records/owner-choices.ts';
import { openServer, type Server } from '../server.ts';
import { DEFAULT_TRUST } from '../trust/trust-settings.ts';
import { update } from '../update.ts';
import { pathsNamed, relocateIndex } from './relocate-index.ts';
import { wrapEntry, type RunControl } from './wrapped-entry.ts';

/** What a server folder consists of, and what the module may change. */
const MUTABLE = ['lib', 'state', 'backups', 'root'];
const NOT_SHIPPED = new Set(['node_modules', 'dist', 'coverage']);

/** A server in a folder of its own that has the module installed and not yet run. */
export interface ScratchServer {
  name: string;
  version: string;
  server: Server;
  /** What stands for `/`. */
  root: string;
  moduleState: string;
  control: RunControl;
  /** As flags of the updater. */
  flags: string[];
  /** Back to: installed, and not yet run. */
  reset(): void;
  /** Forgets everything, and installs the module anew with an index.json that was edited. */
  installWith(edit: (index: Record<string, unknown>) => Record<string, unknown>): Promise<void>;
  remove(): void;
}

/**
 * Installs a module as a server does, from git, into a folder in the temporary directory. Its `test/scratch/` becomes what
 * is in `/` there, beside the directories that this machine has for the paths in index.json; `test/scratch.json`, and `settings` over that, are laid over its configuration; absolute paths in
 * index.json are moved below that folder. Throws OrchestratorError 'usage' for what is no module.
 */
export async function scratchServer(
  given: string,
  settings: Record<string, unknown>,
  logger: Logger,
): Promise<ScratchServer> {
  const directory = path.resolve(given);
  const name = path.basename(directory);
  if (!isModuleName(name)) throw new OrchestratorError('usage', `${directory}: "${name}" is not the name of a module`);
  const { schemaVersion: version } = loadModuleIndex(directory);
  const folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'homeserver-module-test-'));
  const at = (...parts: string[]): string => path.join(folder, ...parts);
  const control: RunControl = { fail: at('fail'), wait: at('wait'), begun: at('begun'), go: at('go') };
  const locations = {
    modulesPath: at('lib'),
    stateDir: at('state'),
    localRepo: at('state/repo'),
    backupDir: at('backups'),
  };
  const server = openServer(locations, { logger });
  const shipped = at('content/modules', name);

  const install = async (edit: (index: Record<string, unknown>) => Record<string, unknown>): Promise<void> => {
    for (const part of [...MUTABLE, 'content', 'repository', 'template'])
      fs.rmSync(at(part), { recursive: true, force: true });
    const fixture = path.join(directory, 'test/scratch');
    if (fs.existsSync(fixture)) fs.cpSync(fixture, at('root'), { recursive: true, verbatimSymlinks: true });
    else fs.mkdirSync(at('root'));
    fs.cpSync(directory, shipped, { recursive: true, verbatimSymlinks: true, filter: isShipped });
    const overlaid = edit(withSettings(readIndex(shipped), [readSettings(directory), settings]));
    fs.writeFileSync(path.join(shipped, 'index.json'), JSON.stringify(relocateIndex(overlaid, at('root'))));
    for (const file of pathsNamed(overlaid)) makeParents(file, at('root'));
    wrapEntry(shipped, control);
    await commitDirectory(at('content'), at('repository'));
    const repository = {
      url: `file://${at('repository')}`,
      branch: 'main',
      trust: { ...DEFAULT_TRUST, require: 'none' as const },
    };
    const { replaced, notReplaced } = await update(server, { repository, only: 'replace' });
    if (replaced.length === 0)
      throw new OrchestratorError(
        'usage',
        `${name} cannot be installed: ${notReplaced[0]?.error ?? 'the updater refuses it'}`,
      );
    copyMutable(folder, at('template'));
  };
  try {
    await install((index) => index);
  } catch (error) {
    fs.rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    name,
    version,
    server,
    root: at('root'),
    moduleState: at('lib/state', name),
    control,
    flags: [
      '--modules-path',
      at('lib'),
      '--state-dir',
      at('state'),
      '--backup-dir',
      at('backups'),
      '--log-file',
      at('log'),
    ],
    reset: () => {
      for (const file of Object.values(control)) fs.rmSync(file, { force: true });
      copyMutable(at('template'), folder);
    },
    installWith: install,
    remove: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}

/** Below `root`, the directories for a file that this machine has; the module itself is to make the others. */
function makeParents(file: string, root: string): void {
  let directory = path.dirname(path.resolve(file));
  while (!fs.existsSync(directory)) directory = path.dirname(directory);
  const place = path.join(root, directory);
  if (!fs.existsSync(place)) fs.mkdirSync(place, { recursive: true });
}

function isShipped(source: string): boolean {
  const base = path.basename(source);
  return !NOT_SHIPPED.has(base) && !base.startsWith('.');
}

function readIndex(directory: string): Record<string, unknown> {
  return JSON.parse(fs.readFileSync(path.join(directory, 'index.json'), 'utf8')) as Record<string, unknown>;
}

function readSettings(directory: string): unknown {
  const file = path.join(directory, 'test/scratch.json');
  if (!fs.existsSync(file)) return {};
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    throw new OrchestratorError('usage', `${file}: is not valid JSON (${reasonOf(error)})`);
  }
}

function withSettings(index: Record<string, unknown>, layers: readonly unknown[]): Record<string, unknown> {
  const key = 'configuration' in index || !('config' in index) ? 'configuration' : 'config';
  return { ...index, [key]: layers.reduce(overlay, index[key] ?? {}) };
}

function copyMutable(from: string, to: string): void {
  for (const name of MUTABLE) {
    fs.rmSync(path.join(to, name), { recursive: true, force: true });
    if (fs.existsSync(path.join(from, name)))
      fs.cpSync(path.join(from, name), path.join(to, name), {
        recursive: true,
        verbatimSymlinks: true,
        preserveTimestamps: true,
      });
  }
}
