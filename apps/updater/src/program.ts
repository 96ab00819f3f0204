import { ORCHESTRATOR_VERSION } from '@homeserver/orchestrator';
import { Command, Option } from 'commander';
import { addBackupCommands } from './backup-commands.ts';
import {
  addCommand,
  collectModule,
  waitOption,
  withCommonOptions,
  type CommonFlags,
  type Perform,
  type Waiting,
} from './command-options.ts';
import { checkCommand } from './commands/check.ts';
import { checkoutCommand } from './commands/checkout.ts';
import { historyCommand } from './commands/history.ts';
import { holdCommand } from './commands/hold.ts';
import { permissionsApplyCommand } from './commands/permissions-apply.ts';
import { permissionsCheckCommand } from './commands/permissions-check.ts';
import { recoverCommand } from './commands/recover.ts';
import { runCommand, type RunFlags } from './commands/run.ts';
import { statusCommand } from './commands/status.ts';
import { trustInitCommand } from './commands/trust-init.ts';
import { versionsCommand } from './commands/versions.ts';
import { addSnapshotCommands } from './snapshot-commands.ts';

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
    .option('--check-only', 'only look, as "updater check" does')
    .option('--check', 'the same')
    .addOption(waitOption())
    .action((flags: CommonFlags & RunFlags & { checkOnly?: boolean; check?: boolean }) =>
      flags.checkOnly || flags.check
        ? perform('check', flags, (context) => checkCommand(context, flags))
        : perform('run', flags, (context) => runCommand(context, flags)),
    );
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
  addBackupCommands(program, perform);
  addSnapshotCommands(program, perform);
  command('versions', 'list the released versions of a module', 'updater versions adblock')
    .argument('<module>', 'its name')
    .addOption(waitOption())
    .action((module: string, flags: Waiting) =>
      perform('versions', flags, (context) => versionsCommand(context, module, flags)),
    );
  command(
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
    command(action, holds[action], `updater ${action} adblock`)
      .argument('<module>', 'its name')
      .addOption(waitOption())
      .action((module: string, flags: Waiting) =>
        perform(action, flags, (context) => holdCommand(context, action, module, flags)),
      );
  }
  const trust = program.command('trust').description('whose code may run here');
  withCommonOptions(
    trust
      .command('init')
      .description('require signatures by this key (and by those that are required already)')
      .argument('<public-key>', "the maintainer's public SSH key, a file")
      .addHelpText('after', '\nExample:\n  updater trust init maintainer.pub'),
  ).action((file: string, flags: CommonFlags) =>
    perform('trust-init', flags, (context) => trustInitCommand(context, file)),
  );
  const permissions = program.command('permissions').description('owner, group and mode of what a module keeps');
  withCommonOptions(
    permissions
      .command('check')
      .description('say what differs from what the module describes; exit code 10 if anything')
      .argument('<module>', 'an installed module')
      .addHelpText('after', '\nExample:\n  updater permissions check gogs'),
  ).action((module: string, flags: CommonFlags) =>
    perform('permissions-check', flags, (context) => permissionsCheckCommand(context, module)),
  );
  withCommonOptions(
    permissions
      .command('apply')
      .description('make it so')
      .argument('<module>', 'an installed module')
      .addHelpText('after', '\nExample:\n  updater permissions apply gogs'),
  )
    .addOption(waitOption())
    .action((module: string, flags: Waiting) =>
      perform('permissions-apply', flags, (context) => permissionsApplyCommand(context, module, flags)),
    );
  return program;
}
