import { escapeControl, isJournal } from '@homeserver/logging';
import { reasonOf, tellLostOutput, toSnakeCase } from '@homeserver/system';
import { readFailedStart, readTakeover } from '@homeserver/orchestrator/start';
import { CommanderError } from 'commander';
import type { CommandContext, ProgramStart } from './command-context.ts';
import { openDisplay } from './display/display.ts';
import { textFor } from './display/marks.ts';
import { EXIT, exitCodeOfError, exitCodeUnanswered, exitCodeUnlogged } from './exit-codes.ts';
import type { CommonFlags, Perform } from './command-options.ts';
import { answerNameOf } from './command-tree.ts';
import { buildProgram } from './program.ts';
import { readSettings } from './settings/read-settings.ts';
import type { Settings } from './settings/settings.ts';
import { wrapToWidth } from './text/fit-width.ts';
import { screenColumns } from './text/format-table.ts';

/**
 * The composition root: arguments in, exit code out. Whatever goes wrong is one line that says what, where, and what to do.
 * Once in a process: it takes over its signals and its umask.
 */
export async function main(argv: readonly string[]): Promise<number> {
  process.umask(0o077);
  tellLostOutput('updater', exitCodeUnanswered);
  const start = { args: argv, takeover: readTakeover(process.env), notStarted: readFailedStart(process.env) };
  const stops = listenForSignals();
  let exitCode: number = EXIT.done;
  const perform: Perform = async (name, flags, act) => {
    exitCode = await performOne(name, flags, act, start, stops);
  };
  const program = buildProgram(perform);
  const words = withCommand(argv);
  try {
    await program.parseAsync(words, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // commander has said what is wrong; help and version are no errors.
    if (error.exitCode === 0) return EXIT.done;
    if (words.includes('--json') || words.includes('--json-lines')) printMistake(answerNameOf(program, words), error);
    return EXIT.usage;
  }
}

/** What programs get of a command line that says nothing that could be done. */
function printMistake(name: string, { message }: CommanderError): void {
  const text = message === '(outputHelp)' ? 'a part of the command is missing' : message.replace(/^error: /, '');
  const error = { code: 'usage', message: text.replaceAll(/\s*\n\s*/g, ' '), exit_code: EXIT.usage };
  print({ schema: `homeserver-updates/${name}@1`, ok: false, error });
}

interface Stops {
  signal: AbortSignal;
  by(): NodeJS.Signals | undefined;
}

function listenForSignals(): Stops {
  let stoppedBy: NodeJS.Signals | undefined;
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      stoppedBy ??= signal;
      stop.abort();
    });
  }
  return { signal: stop.signal, by: () => stoppedBy };
}

async function performOne(
  name: string,
  flags: CommonFlags,
  act: (context: CommandContext) => Promise<number>,
  start: ProgramStart,
  stops: Stops,
): Promise<number> {
  const { jsonLines = false, json = jsonLines, quiet = false, verbose = false } = flags;
  const display = openDisplay(name, { json, jsonLines, quiet, verbose });
  const schema = `homeserver-updates/${name}@1`;
  let isLogged = true;
  let settings: Settings | undefined;
  try {
    const context: CommandContext = {
      get settings() {
        return (settings ??= readSettings(flags));
      },
      json,
      jsonLines,
      quiet,
      verbose,
      display,
      start,
      signal: stops.signal,
      stoppedBy: stops.by,
      answer: (data, lines, ok = true) => {
        display.clear();
        if (json) print({ schema, ok, data: toSnakeCase(data) });
        else for (const line of lines) process.stdout.write(forScreen(escapeControl(line), isPrinted.has(name)));
      },
      noteLoss: () => void (isLogged = false),
    };
    const exitCode = await act(context);
    display.end();
    return isLogged ? exitCode : exitCodeUnlogged(exitCode);
  } catch (error) {
    display.end();
    const { code = 'unexpected', hint } = error as { code?: string; hint?: string };
    const [message, exitCode] = [reasonOf(error), exitCodeOfError(error, stops.by())];
    if (json) print({ schema, ok: false, error: { code, message, ...(hint ? { hint } : {}), exit_code: exitCode } });
    const lines = [`updater: ${message}`, ...(hint ? [`  ${hint}`] : [])];
    const level = isJournal(process.stderr) ? '<3>' : ''; // An error, as sd-daemon(3) has it.
    const shown = textFor(process.stderr, process.env);
    for (const line of lines) process.stderr.write(`${level}${shown(escapeControl(line))}\n`);
    return exitCode;
  }
}

/** What is made for a file or another program: its lines stay as they are. */
const isPrinted: ReadonlySet<string> = new Set(['completion', 'manual', 'schema', 'config-schema']);

function forScreen(line: string, asItIs: boolean): string {
  const lines = asItIs ? [line] : wrapToWidth(textFor(process.stdout, process.env)(line), screenColumns(), 2);
  return lines.map((one) => `${one}\n`).join('');
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Flags without a command are flags of `run`. */
function withCommand(args: readonly string[]): string[] {
  const [first] = args;
  const isRun = first === undefined || (first.startsWith('-') && !['-h', '--help', '-V', '--version'].includes(first));
  return isRun ? ['run', ...args] : [...args];
}
