import type { Command } from 'commander';
import { addCommand, type CommonFlags, type Perform } from './command-options.ts';
import { trustInitCommand } from './commands/trust-init.ts';

/** `trust init`. */
export function addTrustCommands(program: Command, perform: Perform): void {
  const trust = program.command('trust').description('whose code may run here');
  const description = 'require signatures by this key (and by those that are required already)';
  addCommand(trust, 'init', description, 'updater trust init maintainer.pub')
    .argument('<public-key>', "the maintainer's public SSH key, a file")
    .action((file: string, flags: CommonFlags) =>
      perform('trust-init', flags, (context) => trustInitCommand(context, file)),
    );
}
