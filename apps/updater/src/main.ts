import { escapeControl } from '@homeserver/logging';
import { reasonOf } from '@homeserver/system';
import { CommanderError } from 'commander';
import type { CommandContext } from './command-context.ts';
import { EXIT, exitCodeOfError, exitCodeUnlogged } from './exit-codes.ts';
import type { Perform } from './command-options.ts';
import { buildProgram } from './program.ts';
import { readSettings } from './settings/read-settings.ts';
import type { Settings } from './settings/settings.ts';
import { toSnakeCase } from './text/to-snake-case.ts';

/*
 * The composition root: arguments in, exit code out. Whatever goes wrong is one line that says what, where, and what to do.
 */
process.umask(0o077);
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {}); // A closed pipe must not end an update.

let stoppedBy: NodeJS.Signals | undefined;
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => {
    stoppedBy ??= signal;
    stop.abort();
  });
}

const print = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

const perform: Perform = async (name, flags, act) => {
  const json = flags.json ?? false;
  const schema = `homeserver-updates/${name}@1`;
  let isLogged = true;
  let settings: Settings | undefined;
  try {
    const context: CommandContext = {
      get settings() {
        return (settings ??= readSettings(flags));
      },
      json,
      signal: stop.signal,
      stoppedBy: () => stoppedBy,
      answer: (data, lines, ok = true) => {
        if (json) print({ schema, ok, data: toSnakeCase(data) });
        else for (const line of lines) process.stdout.write(`${escapeControl(line)}\n`);
      },
      noteLoss: () => void (isLogged = false),
    };
    const exitCode = await act(context);
    process.exitCode = isLogged ? exitCode : exitCodeUnlogged(exitCode);
  } catch (error) {
    process.exitCode = exitCodeOfError(error, stoppedBy);
    const { code, hint } = error as { code?: string; hint?: string };
    if (json)
      print({
        schema,
        ok: false,
        error: { code: code ?? 'unexpected', message: reasonOf(error), ...(hint ? { hint } : {}) },
      });
    const lines = [`updater: ${reasonOf(error)}`, ...(hint ? [`  ${hint}`] : [])];
    for (const line of lines) process.stderr.write(`${escapeControl(line)}\n`);
  }
};

try {
  await buildProgram(perform).parseAsync(withCommand(process.argv.slice(2)), { from: 'user' });
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // commander has said what is wrong; help and version are no errors.
  process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
}

/** Flags without a command are flags of `run`. */
function withCommand(args: readonly string[]): string[] {
  const [first] = args;
  const isRun = first === undefined || (first.startsWith('-') && !['-h', '--help', '-V', '--version'].includes(first));
  return isRun ? ['run', ...args] : [...args];
}
