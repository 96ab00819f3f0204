import fs from 'node:fs';
import { constants } from 'node:os';
import { pathToFileURL } from 'node:url';
import { PermissionManager } from '@homeserver/permissions';
import { StateManagerError, type OnProgress } from '@homeserver/state-manager';
import { adoptOrphans, dieWithParent, RUN_MARKER, runCommand, type Logger } from '@homeserver/system';
import type { ModuleContext, ModuleMain, ModuleResult } from '../module-contract.ts';
import { createOnce } from '../run-once.ts';
import { describeFailure, describeUncaught } from './describe-failure.ts';
import { formatHostLine, MAX_MESSAGE, UPDATER_PID, type HostLine, type RunRequest } from './host-protocol.ts';
import { watchLoading } from './module-loading.ts';
import { watchProcess } from './process-traces.ts';
import { MAX_ERROR, readResult } from './read-result.ts';
import { TellingStateManager } from './telling-state-manager.ts';

/** What a module leaves behind may be on its way out: a handle that is being closed, a child that is about to end. */
const CLOSING_MS = 200;
const moment = new Int32Array(new SharedArrayBuffer(4));

/*
 * The process that modules run in. It takes one RunRequest after the other and answers on stdout; the updater replaces it
 * whenever a module did not end clean. It dies with the updater, at once.
 */
const updater = Number(process.env[UPDATER_PID]);
delete process.env[UPDATER_PID];
dieWithParent(constants.signals.SIGKILL);
if (process.ppid !== updater) process.exit(1); // It died before the line above could take effect.

const seesOrphans = adoptOrphans(); // What slips away from a module is seen when the module ends.
try {
  fs.writeFileSync('/proc/self/oom_score_adj', '500'); // When memory runs out, a module is to go, and not its updater.
} catch {
  // Here nobody may say so; then the kernel chooses.
}
process.umask(0o022);
// Opened here: on first use it would look like something a module left open. Bound, because a module may replace `write`.
const writeOut = process.stdout.write.bind(process.stdout);
const writeErr = process.stderr.write.bind(process.stderr);
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort(new Error('the updater asked this module to stop')));
process.on('message', (request) => void run(request as RunRequest));
process.on('disconnect', () => process.exit(0));

const loading = watchLoading(import.meta.url);
let current: RunRequest | undefined;
// Node would print the line that threw, which may be one of ours, and all calls that led there.
process.on('uncaughtExceptionMonitor', (error) => {
  if (process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback()) return;
  writeErr(`\n${describeUncaught(error, current?.directory ?? '', loading)}\n`);
  process.exit(1);
});

async function run(request: RunRequest): Promise<void> {
  current = request;
  say(request, { kind: 'begin' });
  process.env[RUN_MARKER] = request.run;
  const leftoversSince = watchProcess();
  const result = await outcomeOf(request);
  for (const write of [writeOut, writeErr]) await new Promise((done) => write('', done)); // Until all is written.
  await new Promise((resolve) => setImmediate(resolve)); // It brings a rejection that nobody handles to light.
  let leftovers = leftoversSince();
  for (const end = performance.now() + CLOSING_MS; leftovers.length > 0 && performance.now() < end;) {
    Atomics.wait(moment, 0, 0, 1); // A timer would be one that is left open.
    await new Promise((resolve) => setImmediate(resolve));
    leftovers = leftoversSince();
  }
  if (!seesOrphans) leftovers.push('may have left child processes, which are not seen here');
  writeErr(`\n${request.nonce}\n`);
  say(request, { kind: 'end', result, leftovers });
}

async function outcomeOf(request: RunRequest): Promise<ModuleResult | false> {
  try {
    const { main } = (await import(pathToFileURL(request.entry).href)) as { main?: ModuleMain };
    if (typeof main !== 'function')
      return { success: false, error: 'the entry does not export a function main(args, context)' };
    return readResult(await main([...request.args], contextFor(request)));
  } catch (error) {
    const reason = describeFailure(error, request.directory, loading).slice(0, MAX_ERROR);
    const isRollback = error instanceof StateManagerError && error.code === 'rollback-failed';
    return { success: false, error: reason, ...(isRollback ? { rollbackFailed: [reason] } : {}) };
  }
}

function contextFor(request: RunRequest): ModuleContext {
  const level = (name: Extract<HostLine, { kind: 'log' }>['level']) => (message: string) =>
    say(request, { kind: 'log', level: name, message: String(message).slice(0, MAX_MESSAGE) });
  const log: Logger = { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') };
  const { name, version, config, stateDir, backupDir, updaterStateDir, dryRun, retry, watched } = request;
  const onProgress: OnProgress = (progress) => say(request, { kind: 'progress', progress });
  const state = new TellingStateManager(
    {
      backupDir,
      stateDir: updaterStateDir,
      logger: log,
      lock: 'inherited',
      run: request.run,
      session: name,
      ...(watched ? { onProgress } : {}),
    },
    (place) => say(request, { kind: 'displaced', ...place }),
  );
  return {
    name,
    version,
    log,
    config,
    stateDir,
    state,
    once: createOnce({ name, version, stateDir, state, log, dryRun }),
    permissions: new PermissionManager(name, { logger: log }),
    run: (argv, options) => runCommand(argv, { signal: stop.signal, ...options }),
    signal: stop.signal,
    dryRun,
    retry,
  };
}

function say(request: RunRequest, line: HostLine): void {
  writeOut(formatHostLine(request.nonce, line));
}
