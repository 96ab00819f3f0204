import type { Command } from 'commander';
import { addCommand, waitOption, type CommonFlags, type Perform, type Waiting } from './command-options.ts';
import { permissionsApplyCommand } from './commands/permissions-apply.ts';
import { permissionsCheckCommand } from './commands/permissions-check.ts';

/** `permissions check` and `permissions apply`. */
export function addPermissionCommands(program: Command, perform: Perform): void {
  const permissions = program.command('permissions').description('owner, group and mode of what a module keeps');
  const description = 'say what differs from what the module describes; exit code 10 if anything';
  addCommand(permissions, 'check', description, 'updater permissions check gogs')
    .argument('<module>', 'an installed module')
    .action((module: string, flags: CommonFlags) =>
      perform('permissions-check', flags, (context) => permissionsCheckCommand(context, module)),
    );
  addCommand(permissions, 'apply', 'make it so', 'updater permissions apply gogs')
    .argument('<module>', 'an installed module')
    .addOption(waitOption())
    .action((module: string, flags: Waiting) =>
      perform('permissions-apply', flags, (context) => permissionsApplyCommand(context, module, flags)),
    );
}
