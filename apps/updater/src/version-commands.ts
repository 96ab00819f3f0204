import type { Command } from 'commander';
import { addCommand, waitOption, type Perform, type Waiting } from './command-options.ts';
import { checkoutCommand } from './commands/checkout.ts';
import { holdCommand } from './commands/hold.ts';
import { versionsCommand } from './commands/versions.ts';

/** `versions`, `checkout`, `hold` and `unhold`. */
export function addVersionCommands(program: Command, perform: Perform): void {
  addCommand(program, 'versions', 'list the released versions of a module', 'updater versions adblock')
    .argument('<module>', 'its name')
    .addOption(waitOption())
    .action((module: string, flags: Waiting) =>
      perform('versions', flags, (context) => versionsCommand(context, module, flags)),
    );
  addCommand(
    program,
    'checkout',
    'install a released version and hold it (default: the last safe one)',
    'updater checkout adblock 1.2.0',
  )
    .argument('<module>', 'its name')
    .argument('[version]', 'as "updater versions" lists it')
    .addOption(waitOption())
    .action((module: string, version: string | undefined, flags: Waiting) =>
      perform('checkout', flags, (context) => checkoutCommand(context, module, version, flags)),
    );
  const holds = { hold: 'keep the installed version of a module', unhold: 'let it be updated again' } as const;
  for (const action of ['hold', 'unhold'] as const) {
    addCommand(program, action, holds[action], `updater ${action} adblock`)
      .argument('<module>', 'its name')
      .addOption(waitOption())
      .action((module: string, flags: Waiting) =>
        perform(action, flags, (context) => holdCommand(context, action, module, flags)),
      );
  }
}
