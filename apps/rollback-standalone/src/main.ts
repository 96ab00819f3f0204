import { StateManager } from '@homeserver/state-manager';
import { tellLostOutput } from '@homeserver/system';
import packageJson from '../package.json' with { type: 'json' };
import type { Answer, CommandContext } from './command-context.ts';
import { listBackups } from './commands/list-backups.ts';
import { listSnapshots } from './commands/list-snapshots.ts';
import { recover } from './commands/recover.ts';
import { restoreBackup } from './commands/restore-backup.ts';
import { restoreSnapshot } from './commands/restore-snapshot.ts';
import { rollbackLog } from './commands/rollback-log.ts';
import { verifyBackups } from './commands/verify-backups.ts';
import { describeError } from './describe-error.ts';
import { openDisplay } from './display.ts';
import { EXIT, exitCodeUnanswered } from './exit-codes.ts';
import { findDirectories } from './find-directories.ts';
import { HELP } from './help-text.ts';
import { loadNative } from './load-koffi.ts';
import { outlastSignals } from './outlast-signals.ts';
import { parseArguments, type Arguments, type Command } from './parse-arguments.ts';
import { requireProc } from './require-proc.ts';
import { escapeControls } from './text/escape-controls.ts';
import { shellCommand } from './text/shell-command.ts';

/*
 * The composition root: arguments in, exit code out. Whatever goes wrong is one line that says what, where, and what to do.
 */
process.umask(0o077);
// What is started (cp, a closure) must be found, whatever is left of the environment.
process.env['PATH'] = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
tellLostOutput('rollback-standalone', exitCodeUnanswered);
let display = openDisplay({ jsonLines: false });
void main(process.argv.slice(2)).then((exitCode) => (process.exitCode = exitCode));

async function main(args: readonly string[]): Promise<number> {
  if (args.length === 0) {
    process.stderr.write(HELP);
    return EXIT.usage;
  }
  let given: Arguments | undefined;
  let context: CommandContext | undefined;
  let stoppedBy: (() => number | undefined) | undefined;
  try {
    given = parseArguments(args);
    display = openDisplay(given);
    if (given.command.name === 'help') return print([HELP.trimEnd()]);
    if (given.command.name === 'version') return print([packageJson.version]);
    if (given.command.name === 'schema') {
      const { answerSchemas } = await import('./answer-schemas.ts'); // No restore waits for them.
      return print([JSON.stringify(answerSchemas(), null, 2)]);
    }
    context = contextOf(given, () => (stoppedBy = outlastSignals(complain)));
    const answer = await carryOut(given.command, context);
    if (given.json) printJson(given.command.name, answer.exitCode === EXIT.done, { data: answer.data });
    else print(answer.lines.map(escapeControls));
    if (answer.problem) complain(answer.problem.message, answer.problem.hint);
    return answer.exitCode === EXIT.rollbackFailed ? answer.exitCode : (stoppedBy?.() ?? answer.exitCode);
  } catch (error) {
    const { code, message, hint, exitCode } = describeError(error, context);
    const ended = exitCode === EXIT.rollbackFailed ? exitCode : (stoppedBy?.() ?? exitCode);
    if (given?.json ?? (args.includes('--json') || args.includes('--json-lines'))) {
      const told = { code, message, hint: hint ?? null, exit_code: ended };
      printJson(given?.command.name ?? 'usage', false, { data: null, error: told });
    }
    complain(message, hint);
    return ended;
  }
}

function contextOf(given: Arguments, beginChange: () => void): CommandContext {
  const { backupDir, stateDir, targetRoot, displacedDir } = findDirectories(given);
  const logger = { debug() {}, info() {}, warn, error: warn };
  const directories = [
    ...flag('--backup-dir', given.backupDir && backupDir),
    ...flag('--state-dir', given.stateDir && stateDir),
    ...flag('--target-root', targetRoot),
    ...flag('--displaced-dir', given.displacedDir && displacedDir),
  ];
  return {
    state: new StateManager({
      backupDir,
      logger,
      onProgress: display.onProgress,
      ...(stateDir === undefined ? {} : { stateDir }),
      ...(targetRoot === undefined ? {} : { targetRoot }),
      ...(displacedDir === undefined ? {} : { displacedDir }),
    }),
    targetRoot,
    displacedDir,
    yes: given.yes,
    onEvent: display.onEvent,
    say: (lines) => print(lines.map(escapeControls), given.json ? process.stderr : process.stdout),
    beginChange: () => {
      requireProc();
      loadNative([backupDir, ...(targetRoot === undefined ? [] : [targetRoot])]);
      beginChange();
    },
    toType: (...words) => shellCommand(['rollback-standalone', ...words, ...directories]),
  };
}

function flag(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [name, value];
}

async function carryOut(
  command: Exclude<Command, { name: 'help' | 'version' | 'schema' }>,
  context: CommandContext,
): Promise<Answer> {
  switch (command.name) {
    case 'list-backups':
      return listBackups(context);
    case 'restore-backup':
      return restoreBackup(context, command.module, command.id);
    case 'list-snapshots':
      return listSnapshots(context);
    case 'restore-snapshot':
      return restoreSnapshot(context, command.id);
    case 'rollback-log':
      return rollbackLog(context, command.file);
    case 'verify':
      return verifyBackups(context, command.module);
    case 'recover':
      return recover(context);
  }
}

function warn(message: string): void {
  complain(`warning: ${message}`);
}

function print(lines: readonly string[], stream: NodeJS.WriteStream = process.stdout): number {
  display.clear(); // Both are on one terminal.
  stream.write(lines.map((line) => `${line}\n`).join(''));
  return EXIT.done;
}

function printJson(name: string, ok: boolean, rest: object): void {
  print([JSON.stringify({ schema: `homeserver-updates/rollback-${name}@1`, ok, ...rest })]);
}

function complain(message: string, hint?: string): void {
  const lines = [`rollback-standalone: ${message}`, ...(hint === undefined ? [] : [`  ${hint}`])];
  print(lines.map(escapeControls), process.stderr);
}
