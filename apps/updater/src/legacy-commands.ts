import type { Command } from 'commander';
import { addCommand, waitOption, type Perform, type Waiting } from './command-options.ts';
import { legacyChecksumCommand } from './commands/legacy-checksum.ts';

/** `legacy checksum`; the run itself is `run --legacy`. */
export function addLegacyCommands(program: Command, perform: Perform): void {
  const legacy = program.command('legacy').description('what manifest.json of the legacy mode needs');
  addCommand(
    legacy,
    'checksum',
    'print the checksum of a module directory',
    'updater legacy checksum /var/local/lib/updates/modules/adblock --write',
  )
    .argument('<directory>', 'the module directory')
    .option('--write', 'write it into manifest.json, for every update that has this directory')
    .addOption(waitOption())
    .action((directory: string, flags: Waiting & { write?: boolean }) =>
      perform('legacy-checksum', flags, (context) => legacyChecksumCommand(context, directory, flags)),
    );
}
