import type { Command } from 'commander';
import { addCommand, type CommonFlags, type Perform } from './command-options.ts';
import { configCheckCommand } from './commands/config-check.ts';
import { configSchemaCommand } from './commands/config-schema.ts';
import { configShowCommand } from './commands/config-show.ts';

/** `config show`, `config check`, `config schema`. */
export function addConfigCommands(program: Command, perform: Perform): void {
  const config = program.command('config').description('the settings of this server');
  addCommand(config, 'show', 'print each setting, and where it came from', 'updater config show --json').action(
    (flags: CommonFlags) => perform('config-show', flags, (context) => configShowCommand(context, flags)),
  );
  addCommand(config, 'check', 'say what is wrong in a settings file', 'updater config check ./config.json')
    .argument('[file]', 'default: the file that the updater reads')
    .action((file: string | undefined, flags: CommonFlags) =>
      perform('config-check', flags, (context) => configCheckCommand(context, file, flags)),
    );
  addCommand(
    config,
    'schema',
    'print a JSON Schema of the settings file',
    'updater config schema > config.schema.json',
  ).action((flags: CommonFlags) => perform('config-schema', flags, configSchemaCommand));
}
