import type { Command } from 'commander';
import { addCommand, waitOption, type CommonFlags, type Perform, type Waiting } from './command-options.ts';
import { modulesEnableCommand } from './commands/modules-enable.ts';
import { modulesListCommand } from './commands/modules-list.ts';
import { modulesRemoveCommand } from './commands/modules-remove.ts';
import { modulesSetCommand } from './commands/modules-set.ts';
import { whyCommand } from './commands/why.ts';

/** `why` and `modules list|enable|disable|set|remove`. */
export function addModuleCommands(program: Command, perform: Perform): void {
  addCommand(program, 'why', 'say in one sentence why a module is as it is', 'updater why adblock')
    .argument('<module>', 'its name')
    .action((module: string, flags: CommonFlags) => perform('why', flags, (context) => whyCommand(context, module)));
  const modules = program.command('modules').description('which modules run here, and with which settings');
  addCommand(modules, 'list', 'list the installed modules', 'updater modules list').action((flags: CommonFlags) =>
    perform('modules-list', flags, modulesListCommand),
  );
  const switches = { enable: 'run it in every cycle', disable: 'run it no more; it is still updated' } as const;
  for (const action of ['enable', 'disable'] as const) {
    addCommand(modules, action, switches[action], `updater modules ${action} adblock`)
      .argument('<module>', 'its name')
      .addOption(waitOption())
      .action((module: string, flags: Waiting) =>
        perform(`modules-${action}`, flags, (context) => modulesEnableCommand(context, action, module, flags)),
      );
  }
  addCommand(modules, 'set', 'set a value of its configuration, here', 'updater modules set adblock min_domains 1000')
    .argument('<module>', 'its name')
    .argument('<key>', 'such as min_domains, or dns.port')
    .argument('[value]', 'JSON, or else text; without it the value of the module counts again')
    .addOption(waitOption())
    .action((module: string, key: string, value: string | undefined, flags: Waiting) =>
      perform('modules-set', flags, (context) => modulesSetCommand(context, module, key, value, flags)),
    );
  addCommand(modules, 'remove', 'remove a module that left the repository', 'updater modules remove oldblock --yes')
    .argument('<module>', 'its name')
    .option('--yes', 'do not ask')
    .addOption(waitOption())
    .action((module: string, flags: Waiting & { yes?: boolean }) =>
      perform('modules-remove', flags, (context) => modulesRemoveCommand(context, module, flags)),
    );
}
