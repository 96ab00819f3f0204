import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { isThisMachine, type Architecture } from './architecture.ts';

const STARTS = 11;

/** Prints how large an executable is, and how fast it runs with each of these arguments, which must end with 0. */
export function reportExecutable(file: string, architecture: Architecture, uses: readonly (readonly string[])[]): void {
  const size = `${(fs.statSync(file).size / 1e6).toFixed(1)} MB`;
  const times = isThisMachine(architecture) ? startTimes(file, uses) : 'for another kind of machine, not started here';
  process.stdout.write(`${path.relative(process.cwd(), file)}: ${size}; ${times}\n`);
}

function startTimes(file: string, uses: readonly (readonly string[])[]): string {
  const starts = uses.map((args) => `${args[0]} ${medianStartMs(file, args).toFixed(0)} ms`);
  return `${starts.join(', ')} (median of several starts)`;
}

function medianStartMs(executable: string, args: readonly string[]): number {
  const times = Array.from({ length: STARTS }, () => {
    const start = performance.now();
    const { status, stderr, error } = spawnSync(executable, args);
    if (status !== 0) throw error ?? new Error(`${executable} failed: ${stderr.toString()}`);
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[STARTS >> 1] ?? 0;
}
