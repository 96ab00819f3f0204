import { spawn, type ChildProcess } from 'node:child_process';
import { Readable } from 'node:stream';
import { childEnvironment } from './child-environment.ts';
import { reasonOf } from './errors.ts';
import { keepDescriptorsFromChildren } from './libc.ts';
import { killGroup } from './run-command.ts';

/** How a worker ended. */
export interface WorkerEnd {
  exitCode: number | undefined;
  signal: NodeJS.Signals | undefined;
  /** Why there never was a process, one line: the machine has none left, or no descriptor for its pipes. */
  notStarted?: string;
}

/** A Node process of ours that takes messages one way, and answers on its own stdout. */
export interface Worker {
  /** -1 when it could not be started. */
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
 * /proc/self/exe: `process.execPath` is gone when a package upgrade replaces it under a running updater. Never throws: a
 * worker that the machine cannot start has ended, and `ended` says why.
 */
export function startWorker(script: string, options: WorkerOptions = {}): Worker {
  keepDescriptorsFromChildren();
  let child: ChildProcess;
  try {
    child = spawnWorker(script, options);
  } catch (error) {
    return neverStarted(reasonOf(error)); // Node reports some refusals of the kernel this way (ENOMEM), others as an event.
  }
  const ended = new Promise<WorkerEnd>((resolve) => {
    child.once('exit', (code, signal) => resolve({ exitCode: code ?? undefined, signal: signal ?? undefined }));
    child.on('error', (error) => {
      // One that started is not over when a message to it fails: its end is what counts.
      if (child.pid === undefined) resolve(endBeforeStart(reasonOf(error)));
    });
  });
  if (child.pid === undefined) return { ...neverStarted(''), ended };
  return {
    pid: child.pid,
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

function spawnWorker(script: string, options: WorkerOptions): ChildProcess {
  return spawn('/proc/self/exe', [...(options.nodeArguments ?? []), script], {
    cwd: '/',
    env: options.env ?? childEnvironment(),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', ...(options.holdDescriptors ?? [])],
  });
}

/** Without descriptors Node has made no streams either: these have nothing to say. */
function neverStarted(why: string): Worker {
  return {
    pid: -1,
    stdout: Readable.from([]),
    stderr: Readable.from([]),
    ended: Promise.resolve(endBeforeStart(why)),
    send: () => false,
    kill: () => {},
  };
}

function endBeforeStart(why: string): WorkerEnd {
  return { exitCode: undefined, signal: undefined, notStarted: why };
}
