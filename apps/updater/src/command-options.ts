import { isModuleName } from '@homeserver/orchestrator';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { CommandContext } from './command-context.ts';
import { settingDefinitions, settingNames } from './settings/settings.ts';
import type { GivenFlags } from './settings/read-settings.ts';

/** Runs one command: makes its context from its flags, and keeps its exit code. */
export type Perform = (
  name: string,
  flags: CommonFlags,
  act: (context: CommandContext) => Promise<number>,
) => Promise<void>;

export type CommonFlags = GivenFlags & { json?: boolean; jsonLines?: boolean; quiet?: boolean; verbose?: boolean };

/** Those of a command that may have to wait for another updater. */
export type Waiting = CommonFlags & { wait?: number };

/** A command of `parent`, with an example in its help. */
export function addCommand(parent: Command, name: string, description: string, example: string): Command {
  const command = parent.command(name).description(description).addHelpText('after', `\nExample:\n  ${example}`);
  return withCommonOptions(command);
}

/** The flags that every command has: its settings, and how it speaks. */
export function withCommonOptions(command: Command): Command {
  for (const name of settingNames) {
    const { flag, placeholder, description, ...definition } = settingDefinitions[name];
    if (flag === undefined) continue;
    const shown = definition.default === undefined ? description : `${description} (default: ${definition.default})`;
    command.option(`${flag} <${placeholder}>`, shown);
  }
  return command
    .option('--config <FILE>', 'settings file (default: /etc/homeserver-updates/config.json)')
    .option('--json', 'one JSON object on stdout')
    .option('--json-lines', 'what happens as JSON, one object a line; the last is that of --json')
    .addOption(new Option('--quiet', 'only warnings, errors and the result').conflicts('verbose'))
    .option('--verbose', 'all that is known about what happens');
}

export function waitOption(): Option {
  return new Option('--wait <seconds>', 'wait so long for another updater, and for the disk of the backups').argParser(
    (text) => {
      if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('a number of seconds is needed.');
      return Number(text);
    },
  );
}

export function collectModule(name: string, before: string[] = []): string[] {
  if (!isModuleName(name)) throw new InvalidArgumentError('this is not a module name.');
  return [...before, name];
}
