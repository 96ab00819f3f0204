import { InvalidArgumentError, type Command } from 'commander';
import { addCommand, waitOption, type CommonFlags, type Perform, type Waiting } from './command-options.ts';
import { backupCommand, type BackupFlags } from './commands/backup.ts';
import { backupsListCommand } from './commands/backups-list.ts';
import { backupsRemoveCommand } from './commands/backups-remove.ts';
import { backupsShowCommand } from './commands/backups-show.ts';
import { backupsVerifyCommand } from './commands/backups-verify.ts';
import { restoreCommand, type RestoreFlags } from './commands/restore.ts';
import { withStateFlags } from './state-flags.ts';

/** `backup`, `restore` and `backups ...`. */
export function addBackupCommands(program: Command, perform: Perform): void {
  withStateFlags(
    addCommand(
      program,
      'backup',
      'back up the state of a module: what its configuration names, and what flags name',
      'updater backup adblock --file /etc/adblock --service adblock --description "before I edit it"',
    ),
  )
    .argument('<module>', 'its name; with flags, any name')
    .option('--description <text>', 'what it is for', 'taken by hand')
    .option('--keep <number>', 'how many backups of the module stay (default: 1)', parseKeep)
    .addOption(waitOption())
    .action((module: string, flags: Waiting & BackupFlags) =>
      perform('backup', flags, (context) => backupCommand(context, module, flags)),
    );
  addCommand(program, 'restore', 'put the backup of a module back', 'updater restore adblock')
    .argument('<module>', 'its name, as "updater backups list" shows it')
    .option('--backup <id>', 'an older one, as "updater backups show" lists it (the beginning of its id is enough)')
    .option('--yes', 'do not ask')
    .addOption(waitOption())
    .action((module: string, flags: Waiting & RestoreFlags) =>
      perform('restore', flags, (context) => restoreCommand(context, module, flags)),
    );
  const backups = program.command('backups').description('what could be restored');
  addCommand(backups, 'list', 'show every backup', 'updater backups list --json').action((flags: CommonFlags) =>
    perform('backups-list', flags, backupsListCommand),
  );
  addCommand(backups, 'show', 'show the backups of a module, older ones too', 'updater backups show adblock')
    .argument('<module>', 'its name')
    .action((module: string, flags: CommonFlags) =>
      perform('backups-show', flags, (context) => backupsShowCommand(context, module)),
    );
  addCommand(backups, 'verify', 're-read the backups, all or those of a module', 'updater backups verify')
    .argument('[module]', 'its name')
    .action((module: string | undefined, flags: CommonFlags) =>
      perform('backups-verify', flags, (context) => backupsVerifyCommand(context, module)),
    );
  addCommand(backups, 'remove', 'remove the backups of a module for good', 'updater backups remove adblock --yes')
    .argument('<module>', 'its name')
    .option('--backup <id>', 'only this one (the beginning of its id is enough)')
    .option('--yes', 'do not ask')
    .addOption(waitOption())
    .action((module: string, flags: Waiting & RestoreFlags) =>
      perform('backups-remove', flags, (context) => backupsRemoveCommand(context, module, flags)),
    );
}

function parseKeep(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('a number from 1 on is needed.');
  return Number(text);
}
