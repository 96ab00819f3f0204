import { Option, type Command } from 'commander';
import {
  addCommand,
  collectModule,
  waitOption,
  type CommonFlags,
  type Perform,
  type Waiting,
} from './command-options.ts';
import { checkCommand } from './commands/check.ts';
import { planCommand } from './commands/plan.ts';
import { runCommand, type RunFlags } from './commands/run.ts';
import { runLegacyCommand } from './commands/run-legacy.ts';

type AllRunFlags = CommonFlags &
  RunFlags & { checkOnly?: boolean; check?: boolean; dryRun?: boolean; legacy?: boolean };

const ofACycle = ['only', 'module', 'retry', 'bundle', 'acceptTip', 'allowDowngrade'];
const looking = ['checkOnly', 'check', 'dryRun'];

/** `run`, and what only looks: `check` and `plan`. */
export function addRunCommands(program: Command, perform: Perform): void {
  const run = addCommand(
    program,
    'run',
    'update the modules, then run every enabled one',
    'updater run --repo-url https://example.org/updates.git',
  );
  withCycleOptions(run)
    .addOption(
      new Option('--legacy', 'run what manifest.json in the modules path says, and nothing else').conflicts([
        ...ofACycle,
        ...looking,
      ]),
    )
    .option('--dry-run', 'only say what it would do, as "updater plan" does')
    .option('--check-only', 'only look, as "updater check" does')
    .option('--check', 'the same')
    .action((flags: AllRunFlags) => {
      if (flags.checkOnly || flags.check) return perform('check', flags, (context) => checkCommand(context, flags));
      if (flags.dryRun) return perform('plan', flags, (context) => planCommand(context, flags));
      return perform('run', flags, (context) => (flags.legacy ? runLegacyCommand : runCommand)(context, flags));
    });
  addCommand(program, 'check', 'say what there is to update; exit code 10 if anything', 'updater check --json')
    .addOption(waitOption())
    .action((flags: Waiting) => perform('check', flags, (context) => checkCommand(context, flags)));
  const plan = addCommand(
    program,
    'plan',
    'say all that a run would do, file by file; exit code 10 if anything',
    'updater plan --module adblock',
  );
  withCycleOptions(plan).action((flags: CommonFlags & RunFlags) =>
    perform('plan', flags, (context) => planCommand(context, flags)),
  );
}

function withCycleOptions(command: Command): Command {
  return command
    .addOption(new Option('--only <phase>', 'one phase alone').choices(['replace', 'run']))
    .option('--module <name>', 'only this module (may be repeated)', collectModule)
    .option('--retry', 'try again what failed here before')
    .option('--bundle <file>', 'take the repository from a git bundle, without a network')
    .option('--accept-tip <commit>', 'accept a tip that does not descend from the last one, once')
    .option('--allow-downgrade <module>', 'take a lower version of it (may be repeated)', collectModule)
    .addOption(waitOption());
}
