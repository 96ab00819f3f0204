import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const SENTINEL = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'; // Node looks there for the blob.
const STARTS = 11;

export interface ExecutableParts {
  /** Where it is to be; its directory is made. */
  output: string;
  /** What it begins with: one CommonJS file. */
  main: string;
  /** Files that `main` asks for by these names (node:sea). */
  assets: Readonly<Record<string, string>>;
}

/**
 * Makes one file that needs neither Node nor anything else of ours. The Node that runs this goes into it. The name stands for
 * a whole executable at every instant: it is made beside, and renamed. The same parts give the same bytes.
 * https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html
 */
export function makeExecutable({ output, main, assets }: ExecutableParts): void {
  const directory = path.dirname(output);
  fs.mkdirSync(directory, { recursive: true });
  const work = fs.mkdtempSync(path.join(directory, 'work-'));
  try {
    const unfinished = path.join(work, path.basename(output));
    fs.copyFileSync(process.execPath, unfinished);
    fs.chmodSync(unfinished, 0o755);
    strip(unfinished); // Before the injection: strip would take the blob away.
    const postject = createRequire(import.meta.url).resolve('postject/dist/cli.js');
    run(
      process.execPath,
      postject,
      unfinished,
      'NODE_SEA_BLOB',
      makeBlob(work, main, assets),
      '--sentinel-fuse',
      SENTINEL,
    );
    fs.renameSync(unfinished, output);
  } finally {
    fs.rmSync(work, { recursive: true });
  }
}

/** How long an executable takes to run with these arguments: the median of several runs. It must end with 0. */
export function medianStartMs(executable: string, args: readonly string[]): number {
  const times = Array.from({ length: STARTS }, () => {
    const start = performance.now();
    run(executable, ...args);
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[STARTS >> 1] ?? 0;
}

function makeBlob(work: string, main: string, assets: ExecutableParts['assets']): string {
  const output = path.join(work, 'blob');
  const config = {
    main,
    output,
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    execArgv: ['--no-warnings'],
    execArgvExtension: 'none', // A bad NODE_OPTIONS must not keep it from starting.
    assets,
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
  else
    process.stderr.write(
      'strip is missing (Debian package binutils): the executable keeps its symbols, and is about 17 MB larger\n',
    );
}

function isThere(command: string): boolean {
  return spawnSync(command, ['--version']).error === undefined;
}

function run(command: string, ...args: string[]): void {
  const { status, stdout, stderr, error } = spawnSync(command, args);
  if (status !== 0) throw error ?? new Error(`${command} failed: ${stderr.toString()}${stdout.toString()}`);
}
