import fs from 'node:fs';
import path from 'node:path';
import {
  childEnvironment,
  describeEnd,
  interpreterOf,
  makeDirectoryDurably,
  runCommand,
  type Logger,
} from '@homeserver/system';
import { HotfixError } from '../errors.ts';
import { OutputLog } from '../output-log.ts';
import { printable } from '../printable-text.ts';
import { openFile, readThrough } from '../source-file.ts';
import type { ExecuteOperation } from './operation-document.ts';
import type { LocatedOperation } from './operation-places.ts';

export interface ScriptContext {
  stateDir: string;
  /** The module's directory. */
  directory: string;
  logger: Logger;
  signal: AbortSignal | undefined;
}

/**
 * Runs the script of an execute operation from a directory of its own ($HOTFIX_RUN_DIR), which goes away afterwards unless
 * the document keeps it; $HOTFIX_SOURCE_DIR is the module's src/. Throws HotfixError 'script-failed' when it does not exit 0.
 */
export async function runScript({ operation, source }: LocatedOperation, context: ScriptContext): Promise<void> {
  const { id, workingDir, timeoutMs, cleanupAfter } = operation as ExecuteOperation;
  const runDir = path.join(context.stateDir, 'run', id);
  fs.rmSync(runDir, { recursive: true, force: true });
  makeDirectoryDurably(runDir, { mode: 0o700 });
  const script = path.join(runDir, 'script');
  const from = openFile(source);
  const to = fs.openSync(script, 'wx', 0o700);
  try {
    readThrough(from, to);
  } finally {
    fs.closeSync(from);
    fs.closeSync(to);
  }
  const log = new OutputLog(context.logger, `operation ${id}`);
  try {
    const result = await runCommand([...interpreterOf(script), script], {
      cwd: workingDir,
      timeoutMs,
      env: childEnvironment({ HOTFIX_RUN_DIR: runDir, HOTFIX_SOURCE_DIR: path.join(context.directory, 'src') }),
      maxOutputBytes: 64 * 1024,
      onOutput: (chunk) => log.add(chunk),
      ...(context.signal === undefined ? {} : { signal: context.signal }),
    });
    const output = `${result.stdout}${result.stderr}`;
    log.finish(output);
    if (result.exitCode === 0 && !result.timedOut && !result.aborted) return;
    const lastWords = output.trim().split('\n').at(-1)?.trim().slice(0, 200);
    throw new HotfixError(
      'script-failed',
      printable(`its script ${describeEnd(result)}${lastWords ? `: ${lastWords}` : ''}`),
    );
  } finally {
    if (cleanupAfter) fs.rmSync(runDir, { recursive: true, force: true });
  }
}
