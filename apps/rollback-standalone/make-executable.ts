import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

/*
 * Makes build/rollback-standalone of dist/: one file that needs neither Node nor anything else of ours. The Node that runs
 * this script is the one that goes into it. https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html
 */

const dist = path.join(import.meta.dirname, 'dist');
const build = path.join(import.meta.dirname, 'build');
const executable = path.join(build, 'rollback-standalone');
const SENTINEL = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'; // Node looks there for the blob.
const STARTS = 11;

makeExecutable();
report();

/** The name stands for a whole executable at every instant: it is made beside, and renamed. */
function makeExecutable(): void {
  fs.mkdirSync(build, { recursive: true });
  const work = fs.mkdtempSync(path.join(build, 'work-'));
  try {
    const unfinished = path.join(work, 'rollback-standalone');
    fs.copyFileSync(process.execPath, unfinished);
    fs.chmodSync(unfinished, 0o755);
    strip(unfinished); // Before the injection: strip would take the blob away.
    const postject = createRequire(import.meta.url).resolve('postject/dist/cli.js');
    run(process.execPath, postject, unfinished, 'NODE_SEA_BLOB', makeBlob(work), '--sentinel-fuse', SENTINEL);
    fs.renameSync(unfinished, executable);
  } finally {
    fs.rmSync(work, { recursive: true });
  }
}

function makeBlob(work: string): string {
  const output = path.join(work, 'blob');
  const config = {
    main: path.join(dist, 'main.cjs'),
    output,
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    execArgv: ['--no-warnings'],
    execArgvExtension: 'none', // A bad NODE_OPTIONS must not keep it from starting.
    assets: { 'koffi.node': path.join(dist, 'koffi.node') },
  };
  const configFile = path.join(work, 'config.json');
  fs.writeFileSync(configFile, JSON.stringify(config));
  run(process.execPath, '--experimental-sea-config', configFile);
  return output;
}

function strip(file: string): void {
  if (!isThere('strip') && process.getuid?.() === 0 && isThere('apt-get')) {
    spawnSync('apt-get', ['install', '--yes', '--quiet', 'binutils'], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  if (isThere('strip')) run('strip', file);
  else say('strip is missing (Debian package binutils): the executable keeps its symbols, and is about 17 MB larger');
}

function isThere(command: string): boolean {
  return spawnSync(command, ['--version']).error === undefined;
}

function run(command: string, ...args: string[]): void {
  const { status, stdout, stderr, error } = spawnSync(command, args);
  if (status !== 0) throw error ?? new Error(`${command} failed: ${stderr.toString()}${stdout.toString()}`);
}

function report(): void {
  const megabytes = (fs.statSync(executable).size / 1e6).toFixed(1);
  const empty = fs.mkdtempSync(path.join(os.tmpdir(), 'no-backups-'));
  const times = {
    '--version': medianMs(['--version']),
    '--list-backups': medianMs(['--list-backups', '--backup-dir', empty]),
  };
  fs.rmdirSync(empty);
  const starts = Object.entries(times).map(([flag, ms]) => `${flag} ${ms.toFixed(0)} ms`);
  say(
    `${path.relative(process.cwd(), executable)}: ${megabytes} MB; ${starts.join(', ')} (median of ${STARTS} starts)`,
  );
}

function medianMs(args: readonly string[]): number {
  const times = Array.from({ length: STARTS }, () => {
    const start = performance.now();
    run(executable, ...args);
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[STARTS >> 1] ?? 0;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
