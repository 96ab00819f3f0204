import fs from 'node:fs';
import type { ModuleContext } from '@homeserver/orchestrator';
import { describeClosureFailure, errnoName, ioError, runClosure, writeFileDurably } from '@homeserver/system';
import type { Configuration } from './read-configuration.ts';

const CLOSURE_TIME_LIMIT_MS = 60_000;

/**
 * Puts the file in place and has the resolver read it; false when it was there already. If the check or the reload fails,
 * the old file comes back, the resolver is reloaded with it, and this throws.
 */
export async function install(
  content: string,
  { outputPath, check, reload }: Pick<Configuration, 'outputPath' | 'check' | 'reload'>,
  { name, log, state, signal, dryRun }: ModuleContext,
): Promise<boolean> {
  if (readIfThere(outputPath) === content) {
    log.info(`${outputPath} is up to date`);
    return false;
  }
  if (dryRun) {
    log.info(`would write ${outputPath} and reload the resolver`);
    return false;
  }
  const guarded = { files: [outputPath], afterRestore: { lines: reload, timeoutMs: CLOSURE_TIME_LIMIT_MS } };
  await state.guard(name, guarded, async () => {
    writeFileDurably(outputPath, content, { mode: 0o644 });
    await run('check', check, signal);
    await run('reload', reload, signal);
  });
  log.info(`wrote ${outputPath} and reloaded the resolver`);
  return true;
}

async function run(what: string, lines: string[], signal: AbortSignal): Promise<void> {
  const result = await runClosure({ lines, timeoutMs: CLOSURE_TIME_LIMIT_MS }, { signal });
  if (!result.ok) throw new Error(`${what} failed: ${describeClosureFailure(result)}`);
}

function readIfThere(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined;
    throw ioError('read', file, error);
  }
}
