import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { isThisMachine, type Architecture } from './architecture.ts';
import { nodeFor } from './node-for.ts';
import { strip } from './strip.ts';

const SENTINEL = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'; // Node looks there for the blob.

/**
 * Of Node, in every program that is made here. In a program that looks at a large tree, V8 would let objects that die young have
 * 16 MB three times over; with a quarter of that it is as fast, and the whole takes a sixth to a third less.
 */
export const NODE_FLAGS: readonly string[] = ['--no-warnings', '--max-semi-space-size=4'];

export interface ExecutableParts {
  /** Where it is to be; its directory is made. */
  output: string;
  /** What it begins with: one CommonJS file; absolute, as are all paths here. */
  main: string;
  /** Files that `main` asks for by these names (node:sea). */
  assets: Readonly<Record<string, string>>;
  /** The kind of machine that it is to run on. */
  architecture: Architecture;
}

/**
 * Makes one file that needs neither Node nor anything else of ours. Node goes into it: the one that runs this, or the same
 * version for another kind of machine. The name stands for a whole executable at every instant: it is made beside, and renamed.
 * The same parts give the same bytes.
 * https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html
 */
export function makeExecutable({ output, main, assets, architecture }: ExecutableParts): void {
  const directory = path.dirname(output);
  fs.mkdirSync(directory, { recursive: true });
  const work = fs.mkdtempSync(path.join(directory, 'work-'));
  try {
    const unfinished = path.join(work, path.basename(output));
    fs.copyFileSync(nodeFor(architecture), unfinished);
    fs.chmodSync(unfinished, 0o755);
    strip(unfinished, architecture); // Before the injection: strip would take the blob away.
    const blob = makeBlob(work, { main, assets, useCodeCache: isThisMachine(architecture) });
    const postject = createRequire(import.meta.url).resolve('postject/dist/cli.js');
    runIn(work, process.execPath, postject, unfinished, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', SENTINEL);
    fs.renameSync(unfinished, output);
  } finally {
    fs.rmSync(work, { recursive: true });
  }
}

/** A code cache is taken only by the kind of machine that made it. */
function makeBlob(work: string, parts: Pick<ExecutableParts, 'main' | 'assets'> & { useCodeCache: boolean }): string {
  const output = path.join(work, 'blob');
  const config = {
    ...parts,
    main: path.basename(parts.main), // Its path is kept, and would tell where this checkout lies.
    output,
    disableExperimentalSEAWarning: true,
    execArgv: NODE_FLAGS,
    execArgvExtension: 'none', // A bad NODE_OPTIONS must not keep it from starting.
  };
  const configFile = path.join(work, 'config.json');
  fs.writeFileSync(configFile, JSON.stringify(config));
  runIn(path.dirname(parts.main), process.execPath, '--experimental-sea-config', configFile);
  return output;
}

function runIn(cwd: string, command: string, ...args: string[]): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd });
  if (status !== 0) throw error ?? new Error(`${command} failed: ${stderr.toString()}${stdout.toString()}`);
}
