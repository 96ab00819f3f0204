import type { Command } from 'commander';
import { commandEntries, commonOptions } from '../command-tree.ts';
import { settingDefinitions, settingNames } from '../settings/settings.ts';

/** What a shell has to know to complete a command line. */
export interface CompletionWords {
  commands: { words: string; description: string; flags: string[]; takesModule: boolean }[];
  /** The flags that every command has. */
  common: { flag: string; description: string; isPath: boolean }[];
  /** A command that prints the names of the installed modules, in words that every shell reads alike. */
  modules: string;
}

export function completionWords(program: Command): CompletionWords {
  const paths = new Set(
    settingNames
      .filter((name) => settingDefinitions[name].kind === 'path')
      .map((name) => settingDefinitions[name].flag),
  );
  return {
    commands: commandEntries(program).map(({ words, description, options, arguments: given }) => ({
      words,
      description,
      flags: options.flatMap(({ long }) => long ?? []),
      takesModule: given.some((argument) => argument.name() === 'module'),
    })),
    common: commonOptions(program).map(({ long, description }) => ({
      flag: long ?? '',
      description,
      isPath: long === '--config' || paths.has(long ?? undefined),
    })),
    modules: `sh -c 'ls "\${UPDATER_MODULES_PATH:-${settingDefinitions.modulesPath.default}}/modules" 2>/dev/null | grep -v "\\.backup$"'`,
  };
}
