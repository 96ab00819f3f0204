import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

/** The built program, as it is started on a server. */
export const program: string = path.resolve(import.meta.dirname, '../../bin/updater.js');

export interface Ended {
  /** undefined when a signal ended it. */
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** What it has written so far. */
  output(): { stdout: string; stderr: string };
}

export interface StartOptions {
  /** The whole environment, next to PATH and HOME. */
  environment?: Record<string, string>;
  cwd?: string;
  /** What the program is started through, e.g. setpriv and its arguments. */
  through?: readonly string[];
}

/** Starts `updater ...args`; what is left of it when the test ends is killed. */
export function startUpdater(args: readonly string[], options: StartOptions = {}): Running {
  const [file, ...rest] = [...(options.through ?? []), process.execPath, program, ...args] as [string, ...string[]];
  const child = spawn(file, rest, {
    cwd: options.cwd ?? '/',
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (written.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (written.stderr += chunk.toString()));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ exitCode: code ?? undefined, ...written }));
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, pid: child.pid ?? 0, ended, output: () => ({ ...written }) };
}

/** Whether a process is there and no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Waits until `condition` holds, for 20 seconds by default; says what it waited for when it does not. */
export async function until(what: string, condition: () => boolean, withinMs = 20_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await sleep(10);
  }
}
