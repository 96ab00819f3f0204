import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

export interface FixtureProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** The next line of its standard output. */
  line(): Promise<string>;
  /** Closes its standard input, which tells a fixture to finish, and waits for its end. */
  finish(): Promise<void>;
  /** kill -9, and waits for its end. */
  kill(): Promise<void>;
}

/** Starts a program of `test/fixtures` in a Node of its own; it is killed when the test ends. */
export function startFixture(name: string, ...args: string[]): FixtureProcess {
  return startFixtureWith([], name, ...args);
}

/** `startFixture` with descriptors of ours, which the program has as 3, 4 and so on. */
export function startFixtureWith(descriptors: readonly number[], name: string, ...args: string[]): FixtureProcess {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, '../fixtures', name), ...args], {
    stdio: ['pipe', 'pipe', 'inherit', ...descriptors],
  }) as ChildProcess & { stdin: Writable; stdout: Readable };
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const ended = once(child, 'exit');
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return {
    child,
    pid: child.pid ?? 0,
    line: async () => {
      const { done, value } = await lines.next();
      if (done) throw new Error(`${name} ended without a further line`);
      return value;
    },
    finish: async () => {
      child.stdin.end();
      await ended;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Whether a process is there and no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Waits until `condition` holds, for thirty seconds at most; returns whether it does. */
export async function eventually(condition: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 3000 && !condition(); tries++) await sleep(10);
  return condition();
}
