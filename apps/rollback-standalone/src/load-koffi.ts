import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { getRawAsset, isSea } from 'node:sea';
import { UsageError } from './usage-error.ts';

/*
 * Stands for the package `koffi` in the built program (see tsup.config.ts): the native part is in the executable, or lies
 * beside main.cjs, and is looked for nowhere else. koffi's own loader would search node_modules in every directory above,
 * which root must not do from wherever the program was copied to.
 */

interface Koffi {
  load(library: string): object;
  errno(): number;
}

const FILE_NAME = 'koffi.node';
let loaded: Koffi | undefined;

const koffi: Koffi = {
  load(library) {
    loadNative();
    return (loaded as Koffi).load(library);
  },
  errno: () => (loaded as Koffi).errno(),
};
export default koffi;

/**
 * Loads the native part, which every change needs: locks, syncs and exact times are system calls that Node lacks. The
 * kernel maps code only from a file, so the executable puts it for an instant into a directory of its own, in the first of
 * the usual places (then of `places`) that allows it. Again does nothing. Throws UsageError.
 */
export function loadNative(places: readonly string[] = []): void {
  loaded ??= isSea() ? loadEmbedded(places) : loadBeside();
}

function loadBeside(): Koffi {
  try {
    return open(path.join(import.meta.dirname, FILE_NAME));
  } catch (error) {
    throw new UsageError(`nothing was touched: cannot load ${FILE_NAME}: ${firstLine(error)}`, {
      cause: error,
      hint: 'keep it in the same directory as main.cjs',
    });
  }
}

function loadEmbedded(places: readonly string[]): Koffi {
  const all = new Set(['/run', '/dev/shm', '/tmp', '/var/tmp', path.dirname(process.execPath), ...places, '/']);
  const refusals: string[] = [];
  for (const put of [openIn, openInMountOn]) {
    for (const place of all) {
      try {
        return put(place);
      } catch (error) {
        refusals.push(`${place}: ${firstLine(error)}`);
      }
    }
  }
  throw new UsageError(`nothing was touched: no place allows to load code of this program (${refusals[0]})`, {
    hint: 'one that does: mount -o remount,exec /run',
  });
}

function openIn(place: string): Koffi {
  return inDirectoryOf(place, openAsset);
}

/** Where every place is mounted noexec: a small file system of our own over our own directory. What is mapped outlives it. */
function openInMountOn(place: string): Koffi {
  return inDirectoryOf(place, (directory) => {
    runOrThrow('mount', '-t', 'tmpfs', '-o', 'mode=700,nosuid,nodev', 'tmpfs', directory);
    try {
      return openAsset(directory);
    } finally {
      runOrThrow('umount', '-l', directory);
    }
  });
}

function inDirectoryOf(place: string, act: (directory: string) => Koffi): Koffi {
  const directory = fs.mkdtempSync(path.join(place, '.rollback-standalone-')); // 0700
  try {
    return act(directory);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

function openAsset(directory: string): Koffi {
  const file = path.join(directory, FILE_NAME);
  fs.writeFileSync(file, new Uint8Array(getRawAsset(FILE_NAME)), { mode: 0o700, flag: 'wx' });
  return open(file);
}

function open(file: string): Koffi {
  const addon = { exports: {} as Koffi };
  process.dlopen(addon, file);
  return addon.exports;
}

function runOrThrow(command: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw error ?? new Error(stderr);
}

function firstLine(error: unknown): string {
  return (
    String((error as Error).message)
      .trim()
      .split('\n')[0] ?? ''
  );
}
