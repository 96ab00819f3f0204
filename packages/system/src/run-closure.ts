import { runCommand, type CommandStream } from './run-command.ts';
import { tellingLine } from './telling-line.ts';

/** Commands that prove a change works. All lines run in one shell, so that `cd` and variables carry over. */
export interface Closure {
  lines: readonly string[];
  /** Default `/`. */
  cwd?: string;
  /** For all lines together; default 300 000. */
  timeoutMs?: number;
}

export interface ClosureResult {
  ok: boolean;
  /** The line that ended it: 1-based, and its text. */
  failedLine?: { number: number; text: string };
  exitCode: number | undefined;
  signal: NodeJS.Signals | undefined;
  timedOut: boolean;
  aborted: boolean;
  /** stdout and stderr in the order they came; first and last 32 KiB. */
  output: string;
  durationMs: number;
}

/*
 * Each line is evaluated on its own and its status looked at: `sh -e` would miss `false && true`. A number goes to
 * descriptor 3 before each line and "end" after the last, so a line that ends the shell (`exit 0`) or the loop (`break`)
 * early is noticed; the lines themselves do not get descriptor 3. A line may redefine `echo` as a function, hence the
 * subshells; the braces make the shell parse everything before a line can set an alias.
 */
const script = `exec 2>&1
__closure_number=0
{
  for __closure_line in "$@"; do
    __closure_number=$((__closure_number + 1))
    (unset -f echo; echo "$__closure_number") >&3
    eval "$__closure_line" 3>&-
    __closure_status=$?
    [ "$__closure_status" -eq 0 ] || exit "$__closure_status"
  done
  (unset -f echo; echo end) >&3
}
`;

/** Runs a closure under /bin/sh; the first line that exits non-zero ends it. No lines at all is a success. */
export async function runClosure(
  closure: Closure,
  options: {
    signal?: AbortSignal;
    onOutput?: (chunk: Buffer, stream: CommandStream) => void;
    env?: Readonly<Record<string, string>>;
  } = {},
): Promise<ClosureResult> {
  const result = await runCommand(['/bin/sh', '-c', script, 'closure', ...closure.lines], {
    ...options,
    cwd: closure.cwd ?? '/',
    timeoutMs: closure.timeoutMs ?? 300_000,
    maxOutputBytes: 64 * 1024,
    report: true,
  });
  const steps = result.report.toString().trim().split('\n');
  const number = Number(steps.findLast((step) => step !== 'end') ?? 0);
  const reachedTheEnd = steps.at(-1) === 'end' && number === closure.lines.length;
  const ok = result.exitCode === 0 && !result.timedOut && !result.aborted && reachedTheEnd;
  const text = closure.lines[number - 1];
  return {
    ok,
    ...(ok || text === undefined ? {} : { failedLine: { number, text } }),
    exitCode: result.exitCode,
    signal: result.signal,
    timedOut: result.timedOut,
    aborted: result.aborted,
    output: result.stdout.toString(),
    durationMs: result.durationMs,
  };
}

/** Characters of a failed line that a message shows: what comes after it says more. */
const LONGEST_LINE = 80;

/** Why a closure failed, in one line: which line, how it ended, and the line of its output that says most. */
export function describeClosureFailure(result: ClosureResult): string {
  const { number, text = '' } = result.failedLine ?? {};
  const shown = text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)}...` : text;
  const where = number === undefined ? 'closure' : `closure line ${number} (${shown})`;
  const how = result.timedOut
    ? 'ran out of time'
    : result.aborted
      ? 'was stopped'
      : result.signal !== undefined
        ? `was killed by ${result.signal}`
        : result.exitCode === 0
          ? 'ended the closure early'
          : `exited ${result.exitCode}`;
  const lastWords = tellingLine(result.output.split('\n'));
  return `${where} ${how}${lastWords ? `: ${lastWords.slice(0, 200)}` : ''}`;
}
