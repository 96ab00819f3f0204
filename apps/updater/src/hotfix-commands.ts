import type { Command } from 'commander';
import { addCommand, waitOption, type CommonFlags, type Perform, type Waiting } from './command-options.ts';
import { hotfixApplyCommand, type HotfixApplyFlags } from './commands/hotfix-apply.ts';
import { hotfixCheckCommand } from './commands/hotfix-check.ts';
import { hotfixLintCommand } from './commands/hotfix-lint.ts';
import { hotfixListCommand } from './commands/hotfix-list.ts';
import { hotfixRollbackCommand, type HotfixRollbackFlags } from './commands/hotfix-rollback.ts';

export interface HotfixFlags {
  /** Whose hotfixes; default `hotfix`. */
  module: string;
}

/** `hotfix check|apply|rollback|list|lint`. */
export function addHotfixCommands(program: Command, perform: Perform): void {
  const hotfix = program.command('hotfix').description('emergency fixes: what they would change, and back again');
  const check = 'say what would be applied, with diffs; exit code 10 if anything';
  ofModule(addCommand(hotfix, 'check', check, 'updater hotfix check')).action((flags: CommonFlags & HotfixFlags) =>
    perform('hotfix-check', flags, (context) => hotfixCheckCommand(context, flags)),
  );
  ofModule(addCommand(hotfix, 'apply', 'apply them now', 'updater hotfix apply --pool website --dry-run'))
    .option('--pool <id>', 'only this pool')
    .option('--retry', 'try again what was given up')
    .option('--dry-run', 'only say what would be done')
    .addOption(waitOption())
    .action((flags: Waiting & HotfixFlags & HotfixApplyFlags) =>
      perform('hotfix-apply', flags, (context) => hotfixApplyCommand(context, flags)),
    );
  ofModule(addCommand(hotfix, 'rollback', 'put back what was last applied', 'updater hotfix rollback --pool website'))
    .option('--pool <id>', 'only this pool')
    .option('--yes', 'do not ask')
    .addOption(waitOption())
    .action((flags: Waiting & HotfixFlags & HotfixRollbackFlags) =>
      perform('hotfix-rollback', flags, (context) => hotfixRollbackCommand(context, flags)),
    );
  ofModule(addCommand(hotfix, 'list', 'list them, with how each stands', 'updater hotfix list')).action(
    (flags: CommonFlags & HotfixFlags) => perform('hotfix-list', flags, (context) => hotfixListCommand(context, flags)),
  );
  addCommand(
    hotfix,
    'lint',
    "look for an author's mistakes, with line and column",
    'updater hotfix lint modules/hotfix',
  )
    .argument('<directory>', 'the directory of a module with pools or operations')
    .action((directory: string, flags: CommonFlags) =>
      perform('hotfix-lint', flags, (context) => hotfixLintCommand(context, directory)),
    );
}

function ofModule(command: Command): Command {
  return command.option('--module <name>', 'the module that ships them', 'hotfix');
}
