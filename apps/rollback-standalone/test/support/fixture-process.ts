import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

export interface FixtureProcess {
  readonly pid: number;
  /** The next line of its standard output. */
  line(): Promise<string>;
  /** kill -9, and waits for its end. */
  kill(): Promise<void>;
}

/** Starts a program of `test/fixtures` in a Node of its own; it is killed when the test ends. */
export function startFixture(name: string, options: object): FixtureProcess {
  const file = path.join(import.meta.dirname, '../fixtures', name);
  const child = spawn(process.execPath, [file, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const ended = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  return {
    pid: child.pid ?? 0,
    line: async () => {
      const { done, value } = await lines.next();
      if (done) throw new Error(`${name} ended without a further line`);
      return value;
    },
    kill,
  };
}
