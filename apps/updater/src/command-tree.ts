import type { Argument, Command, Option } from 'commander';
import { settingDefinitions, settingNames } from './settings/settings.ts';

/** A command as help, completion and manual page show it: its own flags apart from those that every command has. */
export interface CommandEntry {
  /** `backups list`. */
  words: string;
  description: string;
  /** As typed after `updater`: `restore [options] <module>`. */
  usage: string;
  arguments: readonly Argument[];
  options: readonly Option[];
  example: string | undefined;
}

const everywhere: ReadonlySet<string | undefined> = new Set([
  ...settingNames.map((name) => settingDefinitions[name].flag),
  '--config',
  '--json',
  '--json-lines',
  '--quiet',
  '--verbose',
]);

/** Every command that can be typed, in the order of the help. */
export function commandEntries(program: Command): CommandEntry[] {
  return program.commands.flatMap((command) => entriesOf(command, []));
}

/** The flags that every command has. */
export function commonOptions(program: Command): Option[] {
  const [first] = program.commands;
  return (first?.options ?? []).filter(({ long }) => everywhere.has(long ?? undefined));
}

/** How the --json answer of the command that these words begin with is called: `backups-list`; of none, `usage`. */
export function answerNameOf(program: Command, words: readonly string[]): string {
  const [first, second] = words;
  const command = program.commands.find((one) => one.name() === first);
  if (command === undefined) return 'usage';
  if (command.commands.length === 0) return command.name();
  const inner = command.commands.find((one) => one.name() === second);
  return inner === undefined ? 'usage' : `${command.name()}-${inner.name()}`;
}

function entriesOf(command: Command, parents: readonly string[]): CommandEntry[] {
  const words = [...parents, command.name()];
  if (command.commands.length > 0) return command.commands.flatMap((inner) => entriesOf(inner, words));
  return [
    {
      words: words.join(' '),
      description: command.description(),
      usage: `${words.join(' ')} ${command.usage()}`,
      arguments: command.registeredArguments,
      options: command.options.filter(({ long, hidden }) => !everywhere.has(long ?? undefined) && !hidden),
      example: exampleOf(command),
    },
  ];
}

/** What stands below "Example:" in its help. */
function exampleOf(command: Command): string | undefined {
  let help = '';
  const { writeOut } = command.configureOutput();
  command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
  command.configureOutput(writeOut === undefined ? {} : { writeOut });
  return /\nExample:\n {2}(.+)\n/.exec(help)?.[1];
}
