import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { childEnvironment } from './child-environment.ts';
import { keepDescriptorsFromChildren } from './libc.ts';
import { killGroup } from './run-command.ts';

/** How a worker ended. */
export interface WorkerEnd {
  exitCode: number | undefined;
  signal: NodeJS.Signals | undefined;
}

/** A Node process of ours that takes messages one way, and answers on its own stdout. */
export interface Worker {
  readonly pid: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the process is gone; never rejects. */
  readonly ended: Promise<WorkerEnd>;
  /** False when the worker can no longer be reached. */
  send(message: object): boolean;
  /** Signals the worker's whole process group. */
  kill(signal: NodeJS.Signals): void;
}

export interface WorkerOptions {
  env?: Readonly<Record<string, string>>;
  /** Descriptors that the worker keeps open as long as it lives: the lock. Its own children do not get them. */
  holdDescriptors?: readonly number[];
  nodeArguments?: readonly string[];
}

/**
 * Starts a script under this very Node binary, in a session of its own, stdin closed. The binary is taken from
 * /proc/self/exe: `process.execPath` is gone when a package upgrade replaces it under a running updater.
 */
export function startWorker(script: string, options: WorkerOptions = {}): Worker {
  keepDescriptorsFromChildren();
  const child = spawn('/proc/self/exe', [...(options.nodeArguments ?? []), script], {
    cwd: '/',
    env: options.env ?? childEnvironment(),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', ...(options.holdDescriptors ?? [])],
  });
  const ended = new Promise<WorkerEnd>((resolve) => {
    child.once('exit', (code, signal) => resolve({ exitCode: code ?? undefined, signal: signal ?? undefined }));
    child.on('error', () => {
      // One that started is not over when a message to it fails: its end is what counts.
      if (child.pid === undefined) resolve({ exitCode: undefined, signal: undefined });
    });
  });
  return {
    pid: child.pid ?? -1,
    stdout: child.stdout as Readable,
    stderr: child.stderr as Readable,
    ended,
    send: (message) => {
      if (!child.connected) return false;
      child.send(message); // Its own answer is also false when the message merely has to wait.
      return true;
    },
    kill: (signal) => killGroup(child.pid, signal),
  };
}
