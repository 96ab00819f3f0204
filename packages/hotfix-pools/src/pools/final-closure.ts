import fs from 'node:fs';
import path from 'node:path';
import { removeFileDurably, reasonOf, writeJsonDurably, type Logger } from '@homeserver/system';
import type { FinalClosureReport, PoolReport } from './report.ts';
import { closureFailure, runLoggedClosure, withLastOutput } from '../run-logged-closure.ts';

/**
 * The durable note that pools were applied since the final closure last ran: without it, a crash after the last pool would
 * leave the whole unchecked for good, because the next run finds nothing to apply.
 */
export class FinalClosureNote {
  readonly #file: string;

  constructor(stateDir: string) {
    this.#file = path.join(stateDir, 'pools', 'final_closure.due.json');
  }

  get isDue(): boolean {
    return fs.existsSync(this.#file);
  }

  write(): void {
    if (!this.isDue) writeJsonDurably(this.#file, { format: 1, since: Math.floor(Date.now() / 1000) });
  }

  remove(): void {
    removeFileDurably(this.#file);
  }
}

function isInPlace({ state, skip }: PoolReport): boolean {
  return state === 'applied' || skip === 'up-to-date' || skip === 'edited';
}

export interface FinalClosureContext {
  note: FinalClosureNote;
  logger: Logger;
  signal: AbortSignal | undefined;
}

/**
 * Runs the final closure if pools were applied (now, or in a run that was cut before it) and every pool of the document
 * is in place. A failure is reported and rolls nothing back. It never throws for what the commands do.
 */
export async function runFinalClosure(
  lines: readonly string[],
  pools: readonly PoolReport[],
  context: FinalClosureContext,
): Promise<FinalClosureReport> {
  const missing = pools.filter((pool) => !isInPlace(pool)).map((pool) => pool.id);
  if (lines.length === 0) return { state: 'not-run', reason: 'there is none' };
  if (!context.note.isDue) return { state: 'not-run', reason: 'no pool was applied' };
  if (missing.length > 0) return { state: 'not-run', reason: `not every pool is in place: ${missing.join(', ')}` };
  if (context.signal?.aborted) return { state: 'not-run', reason: 'stopped before it began' };
  try {
    const result = await runLoggedClosure({ lines }, 'final closure', context);
    if (!result.aborted) context.note.remove();
    const closure = withLastOutput(result);
    return result.ok
      ? { state: 'passed', reason: `${lines.length} lines`, closure }
      : { state: 'failed', reason: closureFailure(result), closure };
  } catch (error) {
    return { state: 'failed', reason: reasonOf(error) };
  }
}
