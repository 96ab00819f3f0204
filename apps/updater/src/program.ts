import { ORCHESTRATOR_VERSION } from '@homeserver/orchestrator';
import { Command, Option } from 'commander';
import { addAuthorCommands } from './author-commands.ts';
import { addBackupCommands } from './backup-commands.ts';
import { addCommand, waitOption, type CommonFlags, type Perform, type Waiting } from './command-options.ts';
import { addConfigCommands } from './config-commands.ts';
import { doctorCommand } from './commands/doctor.ts';
import { historyCommand } from './commands/history.ts';
import { recoverCommand, type RecoveryPhase } from './commands/recover.ts';
import { statusCommand } from './commands/status.ts';
import { addHotfixCommands } from './hotfix-commands.ts';
import { addLegacyCommands } from './legacy-commands.ts';
import { addModuleCommands } from './module-commands.ts';
import { addPermissionCommands } from './permission-commands.ts';
import { addRunCommands } from './run-commands.ts';
import { addShellCommands } from './shell-commands.ts';
import { addSnapshotCommands } from './snapshot-commands.ts';
import { addTrustCommands } from './trust-commands.ts';
import { addVersionCommands } from './version-commands.ts';

/** The command line: every command with its flags and an example. `updater` alone is `updater run`. */
export function buildProgram(perform: Perform): Command {
  const program = new Command('updater')
    .description('Keeps a home server up to date, and brings it back when something breaks.')
    .version(ORCHESTRATOR_VERSION)
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text, write) => write(asOurs(text)) })
    .enablePositionalOptions()
    .exitOverride();

  const command = (name: string, description: string, example: string): Command =>
    addCommand(program, name, description, example);

  addRunCommands(program, perform);
  command('status', 'show each module: version, last run, state', 'updater status').action((flags: CommonFlags) =>
    perform('status', flags, statusCommand),
  );
  command('history', 'show past runs, or one of them', 'updater history 20261120T031500Z')
    .argument('[run]', 'id of a run, or its beginning')
    .action((run: string | undefined, flags: CommonFlags) =>
      perform('history', flags, (context) => historyCommand(context, run)),
    );
  command('recover', 'finish what a crash interrupted', 'updater recover')
    .addOption(waitOption())
    .addOption(
      new Option(
        '--phase <phase>',
        'early: only what is right before any service has started; late: what is left (default)',
      ).choices(['early', 'late']),
    )
    .action((flags: Waiting & { phase?: RecoveryPhase }) =>
      perform('recover', flags, (context) => recoverCommand(context, flags)),
    );
  command(
    'doctor',
    'check the machine, the repository and the backups; exit code 3 if something is wrong',
    'updater doctor',
  )
    .option('--fix', 'mend what is safe to mend')
    .action((flags: CommonFlags & { fix?: boolean }) =>
      perform('doctor', flags, (context) => doctorCommand(context, flags)),
    );
  addBackupCommands(program, perform);
  addSnapshotCommands(program, perform);
  addModuleCommands(program, perform);
  addLegacyCommands(program, perform);
  addAuthorCommands(program, perform);
  addVersionCommands(program, perform);
  addHotfixCommands(program, perform);
  addPermissionCommands(program, perform);
  addTrustCommands(program, perform);
  addConfigCommands(program, perform);
  addShellCommands(program, perform);
  return program;
}

/** What commander says of a mistake, as every other error is said: one line, and a hint below it. */
function asOurs(text: string): string {
  return text.replace(/^error: /, 'updater: ').replace(/^\(Did you mean (.*)\)$/m, '  did you mean $1');
}
