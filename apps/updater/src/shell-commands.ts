import { Argument, type Command } from 'commander';
import { addCommand, type CommonFlags, type Perform } from './command-options.ts';
import { bashCompletion } from './completion/bash.ts';
import { completionWords } from './completion/completion-words.ts';
import { fishCompletion } from './completion/fish.ts';
import { zshCompletion } from './completion/zsh.ts';
import { schemaCommand } from './commands/schema.ts';
import { EXIT } from './exit-codes.ts';
import { settingsPage } from './manual/settings-page.ts';
import { updaterPage } from './manual/updater-page.ts';

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** `completion`, `manual` and `schema`: texts for shells, for man(1) and for programs, from the same definitions as --help. */
export function addShellCommands(program: Command, perform: Perform): void {
  const print = (name: string, flags: CommonFlags, text: () => string): Promise<void> =>
    perform(name, flags, async (context) => {
      context.answer({ text: text() }, text().trimEnd().split('\n'));
      return EXIT.done;
    });
  addCommand(
    program,
    'completion',
    'print completions for a shell',
    'updater completion bash > /etc/bash_completion.d/updater',
  )
    .addArgument(new Argument('<shell>', 'which one').choices(Object.keys(shells)))
    .action((shell: keyof typeof shells, flags: CommonFlags) =>
      print('completion', flags, () => shells[shell](completionWords(program))),
    );
  addCommand(program, 'manual', 'print a manual page', 'updater manual settings | man -l -')
    .addArgument(
      new Argument('[page]', 'the program, or its settings file').choices(['updater', 'settings']).default('updater'),
    )
    .action((page: string, flags: CommonFlags) =>
      print('manual', flags, () => (page === 'settings' ? settingsPage() : updaterPage(program))),
    );
  addCommand(
    program,
    'schema',
    "print a JSON Schema of a command's --json answer, or of all",
    'updater schema backups list > backups-list.schema.json',
  )
    .argument('[command...]', 'its words')
    .action((words: string[], flags: CommonFlags) =>
      perform('schema', flags, (context) => schemaCommand(context, words)),
    );
}
