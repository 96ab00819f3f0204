import { randomBytes } from 'node:crypto';
import type { OnProgress } from '@homeserver/state-manager';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  canMakeScopes,
  childEnvironment,
  endRunProcesses,
  moveIntoScope,
  reasonOf,
  RUN_MARKER,
  scopeOf,
  startWorker,
  type Logger,
  type Worker,
  type WorkerEnd,
} from '@homeserver/system';
import type { ModuleResult } from '../module-contract.ts';
import { UPDATER_PID, type RunRequest } from './host-protocol.ts';
import { ModuleOutput, type DisplacedPlace, type EndLine } from './module-output.ts';

/** How one run of one module in a host ended. */
export interface HostRun {
  /** Marker of this run: what its guards and its processes are known by. */
  run: string;
  result: ModuleResult | false;
  /** What restores inside the module moved out of the way. */
  displaced: DisplacedPlace[];
  /** The host can run another module. */
  reusable: boolean;
  /** It was ended before its time, or never began: nothing is to be held against the module. */
  stopped: boolean;
}

type ModuleRequest = Omit<RunRequest, 'nonce' | 'run' | 'watched'>;

export interface HostLimits {
  timeoutMs: number;
  signal?: AbortSignal;
}

type Ending =
  | { how: 'said'; line: EndLine }
  | { how: 'died'; end: WorkerEnd }
  | { how: 'timeout' }
  | { how: 'stopped' };

const KILL_GRACE_MS = 5000;
const MODULES_PER_HOST = 100;
const START_WITHIN_MS = 60_000;
const LAST_WORDS_WITHIN_MS = 250;
/** Of JavaScript objects: a module that fills them ends with an error of its own, long before the machine is full. */
const MAX_HEAP_MIB = Math.min(1024, Math.floor(os.totalmem() / 2 ** 21));
/** Beside this file: built in a package, as it is in a checkout. */
const script = fileURLToPath(new URL(`./module-host${path.extname(import.meta.url)}`, import.meta.url));

/** One module host, seen from the updater. */
export class HostProcess {
  readonly #worker: Worker;
  readonly #marker: string;
  readonly #isPlaced: Promise<void>;
  #modulesRun = 0;

  /**
   * `marker`: what every process of this host carries; where systemd runs, its scope has that name, too. `lockDescriptors`
   * stay open as long as the host lives.
   */
  constructor(marker: string, lockDescriptors: readonly number[], logger: Logger) {
    this.#marker = marker;
    this.#worker = startWorker(script, {
      env: childEnvironment({ [RUN_MARKER]: marker, [UPDATER_PID]: String(process.pid) }),
      holdDescriptors: lockDescriptors,
      nodeArguments: [
        '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
        '--disable-warning=ExperimentalWarning',
        `--max-old-space-size=${MAX_HEAP_MIB}`,
      ],
    });
    this.#isPlaced = this.#place(logger);
  }

  /** Meanwhile the host starts; it runs no module before it is told to. */
  async #place(logger: Logger): Promise<void> {
    if (this.#worker.pid < 0 || !canMakeScopes()) return;
    try {
      await moveIntoScope([this.#worker.pid], scopeOf(this.#marker), `updater, modules of run ${this.#marker}`);
    } catch (error) {
      logger.warn(`${reasonOf(error)}; processes of modules are found by their environment alone`);
    }
  }

  /** Runs a module to its end, whatever that is; its output goes to `log` line by line. Never throws. */
  async run(request: ModuleRequest, limits: HostLimits, log: Logger, onProgress?: OnProgress): Promise<HostRun> {
    const run = `${this.#marker}.${request.name}`;
    try {
      return await this.#run(run, request, limits, log, onProgress);
    } catch (error) {
      const result = { success: false, error: `it could not be run: ${reasonOf(error)}` };
      return { run, result, displaced: [], reusable: false, stopped: true };
    }
  }

  async #run(
    run: string,
    request: ModuleRequest,
    limits: HostLimits,
    log: Logger,
    onProgress?: OnProgress,
  ): Promise<HostRun> {
    const nonce = randomBytes(12).toString('hex');
    const output = new ModuleOutput(nonce, log, onProgress);
    const stopListening = output.listenTo(this.#worker);
    this.#modulesRun += 1;
    await this.#isPlaced;
    this.#worker.send({ ...request, run, nonce, watched: onProgress !== undefined });
    const ending = await this.#ending(output, limits);
    if (ending.how === 'timeout' || ending.how === 'stopped') await this.#askToEnd(output);
    if (ending.how !== 'said') await this.#lastWords();
    stopListening();
    const { displaced } = output;

    if (ending.how === 'said') {
      const { result, leftovers } = ending.line;
      for (const leftover of leftovers) log.debug(`${leftover}; the next module gets a fresh process`);
      return {
        run,
        result,
        displaced,
        reusable: leftovers.length === 0 && this.#modulesRun < MODULES_PER_HOST,
        stopped: false,
      };
    }
    const error = describe(ending, limits, output);
    const stopped = ending.how === 'stopped' || !output.hasBegun;
    return { run, result: { success: false, error }, displaced, reusable: false, stopped };
  }

  async #ending(output: ModuleOutput, { timeoutMs, signal }: HostLimits): Promise<Ending> {
    const over = new AbortController();
    const stopped = signal ? aborted(signal, over.signal) : never();
    try {
      return await Promise.race<Ending>([
        output.end.then((line) => ({ how: 'said', line })),
        this.#worker.ended.then((end) => ({ how: 'died', end })),
        timeLimit(output, timeoutMs, over.signal),
        stopped.then(() => ({ how: 'stopped' })),
      ]);
    } finally {
      over.abort();
    }
  }

  /** Gives the module the time to heed its `signal`; what it returns then does not count any more. */
  async #askToEnd(output: ModuleOutput): Promise<void> {
    this.#worker.kill('SIGTERM');
    await this.#atMost(KILL_GRACE_MS, Promise.race([this.#worker.ended, output.end]));
  }

  /** What a process that ended had written may still be on its way; a daemon may keep the streams open for ever. */
  async #lastWords(): Promise<void> {
    const { stdout, stderr } = this.#worker;
    const ends = [stdout, stderr].map((stream) => (stream.readableEnded ? undefined : once(stream, 'end')));
    await this.#atMost(LAST_WORDS_WITHIN_MS, Promise.all(ends));
  }

  async #atMost(limitMs: number, event: Promise<unknown>): Promise<void> {
    const over = new AbortController();
    await Promise.race([event, sleep(limitMs, undefined, { signal: over.signal }).catch(() => {})]);
    over.abort();
  }

  /** Ends the host, its process group, and everything that was started in it and slipped away. Resolves when none is left. */
  async end(): Promise<void> {
    this.#worker.kill('SIGKILL');
    await this.#worker.ended;
    // Whoever still holds the other ends must not keep the updater from ending.
    this.#worker.stdout.destroy();
    this.#worker.stderr.destroy();
    await endRunProcesses(this.#marker);
  }
}

function describe(ending: Exclude<Ending, { how: 'said' }>, limits: HostLimits, output: ModuleOutput): string {
  switch (ending.how) {
    case 'timeout':
      return `did not end within ${limits.timeoutMs / 1000} s`;
    case 'stopped':
      return 'was stopped, because the updater was asked to end';
    case 'died': {
      const { exitCode, signal, notStarted } = ending.end;
      const how = output.hasBegun
        ? signal === undefined
          ? `ended the process with exit code ${exitCode} before main() was done`
          : `was killed by ${signal}`
        : 'was not run, because the process for it did not start';
      const why = notStarted ?? output.lastWords;
      return why === undefined ? how : `${how}: ${why.slice(0, 500)}`;
    }
  }
}

/** Counts from when the module begins: that a busy machine takes long to start the host is not its doing. */
async function timeLimit(output: ModuleOutput, timeoutMs: number, over: AbortSignal): Promise<Ending> {
  const wait = (limitMs: number): Promise<void> => sleep(limitMs, undefined, { signal: over }).catch(never);
  await Promise.race([output.begun, wait(START_WITHIN_MS)]);
  await wait(timeoutMs);
  return { how: 'timeout' };
}

function never(): Promise<never> {
  return new Promise(() => {});
}

/** Resolves when `signal` is aborted; stops listening when `over` is. */
function aborted(signal: AbortSignal, over: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true, signal: over }));
}
