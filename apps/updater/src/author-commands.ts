import { InvalidArgumentError, Option, type Command } from 'commander';
import { addCommand, type CommonFlags, type Perform } from './command-options.ts';
import { moduleNewCommand } from './commands/module-new.ts';
import { moduleTestCommand, type ModuleTestFlags } from './commands/module-test.ts';

/** `module new|test`: for authors of modules. */
export function addAuthorCommands(program: Command, perform: Perform): void {
  const module = program.command('module').description('for authors: begin a module, and try it');
  addCommand(module, 'new', 'make a module to begin with', 'updater module new greeting')
    .argument('<name>', 'its name')
    .option('--in <directory>', 'where (default: modules in a repository, or where that is; else here)')
    .action((name: string, flags: CommonFlags & { in?: string }) =>
      perform('module-new', flags, (context) => moduleNewCommand(context, name, flags)),
    );
  addCommand(
    module,
    'test',
    'try a module on a server folder of its own: failures, kills, a second run',
    'updater module test modules/adblock',
  )
    .argument('<directory>', 'the module')
    .option('--set <key=value>', 'lay this over its configuration (may be repeated)', collect)
    .addOption(
      new Option('--kills <n>', 'how often it is killed (default: 20)').argParser((text) => {
        if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('a number from 1 is needed.');
        return Number(text);
      }),
    )
    .action((directory: string, flags: CommonFlags & ModuleTestFlags) =>
      perform('module-test', flags, (context) => moduleTestCommand(context, directory, flags)),
    );
}

function collect(text: string, before: string[] = []): string[] {
  return [...before, text];
}
