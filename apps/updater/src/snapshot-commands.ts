import type { Command } from 'commander';
import { addCommand, waitOption, type CommonFlags, type Perform, type Waiting } from './command-options.ts';
import { snapshotsCreateCommand, type SnapshotFlags } from './commands/snapshots-create.ts';
import { snapshotsListCommand } from './commands/snapshots-list.ts';
import { snapshotsRemoveCommand } from './commands/snapshots-remove.ts';
import { snapshotsRestoreCommand, type SnapshotChangeFlags } from './commands/snapshots-restore.ts';
import { snapshotsVerifyCommand } from './commands/snapshots-verify.ts';
import { withStateFlags } from './state-flags.ts';

/** `snapshots ...`. */
export function addSnapshotCommands(program: Command, perform: Perform): void {
  const snapshots = program.command('snapshots').description('states captured once, until they are removed');
  addCommand(snapshots, 'list', 'show every snapshot', 'updater snapshots list').action((flags: CommonFlags) =>
    perform('snapshots-list', flags, snapshotsListCommand),
  );
  withStateFlags(
    addCommand(
      snapshots,
      'create',
      'capture state under an id of its own',
      'updater snapshots create --file /etc/nginx --service nginx --description "before the new site"',
    ),
  )
    .option('--system', 'with a record of the OS release, the kernel and the installed packages')
    .option('--description <text>', 'what it is for', 'taken by hand')
    .addOption(waitOption())
    .action((flags: Waiting & SnapshotFlags) =>
      perform('snapshots-create', flags, (context) => snapshotsCreateCommand(context, flags)),
    );
  const change = (name: string, description: string, example: string): Command =>
    addCommand(snapshots, name, description, example)
      .argument('<id>', 'its id, or the beginning of it')
      .option('--yes', 'do not ask')
      .addOption(waitOption());
  change('restore', 'put a snapshot back', 'updater snapshots restore 3f9a').action(
    (id: string, flags: Waiting & SnapshotChangeFlags) =>
      perform('snapshots-restore', flags, (context) => snapshotsRestoreCommand(context, id, flags)),
  );
  change('remove', 'remove a snapshot for good', 'updater snapshots remove 3f9a --yes').action(
    (id: string, flags: Waiting & SnapshotChangeFlags) =>
      perform('snapshots-remove', flags, (context) => snapshotsRemoveCommand(context, id, flags)),
  );
  addCommand(snapshots, 'verify', 're-read the snapshots, all or one', 'updater snapshots verify')
    .argument('[id]', 'its id, or the beginning of it')
    .action((id: string | undefined, flags: CommonFlags) =>
      perform('snapshots-verify', flags, (context) => snapshotsVerifyCommand(context, id)),
    );
}
