import { ORCHESTRATOR_VERSION } from '@homeserver/orchestrator';
import { Command, Option } from 'commander';
import { addAuthorCommands } from './author-commands.ts';
import { addBackupCommands } from './backup-commands.ts';
import {
  addCommand,
  collectModule,
  waitOption,
  type CommonFlags,
  type Perform,
  type Waiting,
} from './command-options.ts';
import { addConfigCommands } from './config-commands.ts';
import { checkCommand } from './commands/check.ts';
import { doctorCommand } from './commands/doctor.ts';
import { historyCommand } from './commands/history.ts';
import { recoverCommand } from './commands/recover.ts';
import { runCommand, type RunFlags } from './commands/run.ts';
import { runLegacyCommand } from './commands/run-legacy.ts';
import { statusCommand } from './commands/status.ts';
import { addHotfixCommands } from './hotfix-commands.ts';
import { addLegacyCommands } from './legacy-commands.ts';
import { addModuleCommands } from './module-commands.ts';
import { addPermissionCommands } from './permission-commands.ts';
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
    .enablePositionalOptions()
    .exitOverride();

  const command = (name: string, description: string, example: string): Command =>
    addCommand(program, name, description, example);

  command(
    'run',
    'update the modules, then run every enabled one',
    'updater run --repo-url https://example.org/updates.git',
  )
    .addOption(new Option('--only <phase>', 'one phase alone').choices(['replace', 'run']))
    .option('--module <name>', 'only this module (may be repeated)', collectModule)
    .option('--retry', 'try again what failed here before')
    .option('--bundle <file>', 'take the repository from a git bundle, without a network')
    .option('--accept-tip <commit>', 'accept a tip that does not descend from the last one, once')
    .option('--allow-downgrade <module>', 'take a lower version of it (may be repeated)', collectModule)
    .addOption(
      new Option('--legacy', 'run what manifest.json in the modules path says, and nothing else').conflicts([
        'only',
        'module',
        'retry',
        'bundle',
        'acceptTip',
        'allowDowngrade',
        'checkOnly',
        'check',
      ]),
    )
    .option('--check-only', 'only look, as "updater check" does')
    .option('--check', 'the same')
    .addOption(waitOption())
    .action((flags: CommonFlags & RunFlags & { checkOnly?: boolean; check?: boolean; legacy?: boolean }) => {
      if (flags.checkOnly || flags.check) return perform('check', flags, (context) => checkCommand(context, flags));
      return perform('run', flags, (context) => (flags.legacy ? runLegacyCommand : runCommand)(context, flags));
    });
  command('check', 'say what there is to update; exit code 10 if anything', 'updater check --json')
    .addOption(waitOption())
    .action((flags: Waiting) => perform('check', flags, (context) => checkCommand(context, flags)));
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
    .action((flags: Waiting) => perform('recover', flags, (context) => recoverCommand(context, flags)));
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
