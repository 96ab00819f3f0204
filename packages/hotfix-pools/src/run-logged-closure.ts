import { describeClosureFailure, runClosure, type Closure, type ClosureResult, type Logger } from '@homeserver/system';
import { OutputLog } from './output-log.ts';
import { printable } from './printable-text.ts';

const KEPT_OUTPUT_BYTES = 4096;

/** Runs a closure and logs its output, line by line and bounded, under `label`. */
export async function runLoggedClosure(
  closure: Closure,
  label: string,
  options: { logger: Logger; signal?: AbortSignal | undefined },
): Promise<ClosureResult> {
  const log = new OutputLog(options.logger, label);
  const result = await runClosure(closure, {
    onOutput: (chunk) => log.add(chunk),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  log.finish(result.output);
  return result;
}

/** Logs the output of a closure that has run already. */
export function logClosure(result: ClosureResult, label: string, logger: Logger): void {
  const log = new OutputLog(logger, label);
  log.add(Buffer.from(result.output));
  log.finish(result.output);
}

/** Why a closure failed, in one printable line. */
export function closureFailure(result: ClosureResult): string {
  return printable(describeClosureFailure(result));
}

/** For a report: the end of the output is what explains a failure. */
export function withLastOutput(result: ClosureResult): ClosureResult {
  const output = Buffer.from(result.output);
  return { ...result, output: output.subarray(-KEPT_OUTPUT_BYTES).toString() };
}
