import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { acquireLock } from '@homeserver/system';
import { buildPackage } from '../../src/build-package.ts';

const WAIT_MS = 600_000;
const apps = path.join(import.meta.dirname, '../../..');
const place = path.join(import.meta.dirname, '../../build/to-try');

/** Makes the two programs that go into the package, unless they are there and newer than what they are made of. */
export async function makeExecutables(): Promise<void> {
  await alone(async () => makeThose());
}

/** The package of this checkout, not compressed: made once, for all tests. Returns its path. */
export async function packageToTry(): Promise<string> {
  return alone(async () => {
    makeThose();
    const parts = [...['updater', 'rollback-standalone'].map(executable), ...filesBelow('../../files', '../../src')];
    const made = fs.existsSync(place) ? fs.readdirSync(place).filter((name) => name.endsWith('.deb')) : [];
    const [file] = made.map((name) => path.join(place, name));
    if (file !== undefined && parts.every((part) => changedAt(part) <= changedAt(file))) return file;
    fs.rmSync(place, { recursive: true, force: true });
    return buildPackage(place, { version: '1.0.0', sourceDate: 1_700_000_000, compression: 'none' });
  });
}

/** Test files run side by side. */
async function alone<T>(act: () => Promise<T>): Promise<T> {
  fs.mkdirSync(path.dirname(place), { recursive: true });
  const lock = await acquireLock(`${place}.lock`, { purpose: 'building the package', waitMs: WAIT_MS });
  try {
    return await act();
  } finally {
    lock.release();
  }
}

function makeThose(): void {
  for (const name of ['updater', 'rollback-standalone']) {
    const app = path.join(apps, name);
    const sources = fs.readdirSync(path.join(app, 'dist')).map((file) => path.join(app, 'dist', file));
    if (sources.every((source) => changedAt(source) <= changedAt(executable(name)))) continue;
    const { status, stderr } = spawnSync(process.execPath, [path.join(app, 'make-executable.ts')], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`cannot make ${name}: ${stderr}`);
  }
}

const executable = (name: string): string => path.join(apps, name, 'build', name);

const filesBelow = (...directories: string[]): string[] =>
  directories.flatMap((directory) => {
    const whole = path.join(import.meta.dirname, directory);
    return fs.readdirSync(whole).map((name) => path.join(whole, name));
  });

/** 0 for what is not there. */
const changedAt = (file: string): number => fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
