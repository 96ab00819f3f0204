import { ORCHESTRATOR_VERSION } from '@homeserver/orchestrator';
import type { Command } from 'commander';
import { commandEntries, commonOptions } from '../command-tree.ts';
import { exitCodeMeanings } from '../exit-codes.ts';
import { settingDefinitions } from '../settings/settings.ts';
import { DEFAULT_CONFIG } from '../settings/read-settings.ts';
import { roff } from './roff.ts';

/** updater(8), from what --help says. */
export function updaterPage(program: Command): string {
  const commands = commandEntries(program).flatMap(({ usage, description, arguments: given, options, example }) => [
    roff.subsection(usage.replace('[options] ', '').replace(' [options]', '')),
    roff.text(`${description.charAt(0).toUpperCase()}${description.slice(1)}.`),
    ...given.flatMap((argument) =>
      argument.description === '' ? [] : [roff.entry(roff.italic(argument.name()), argument.description)],
    ),
    ...options.map(({ flags, description: about }) => roff.entry(roff.bold(flags), about)),
    ...(example === undefined ? [] : [roff.example(example)]),
  ]);
  return [
    `.TH UPDATER 8 "" "homeserver-updates ${ORCHESTRATOR_VERSION}" "System administration"`,
    roff.section('Name'),
    `updater \\- ${roff.text('keep a home server up to date, and bring it back when something breaks')}`,
    roff.section('Synopsis'),
    `${roff.bold('updater')} [${roff.italic('command')}] [${roff.italic('options')}]`,
    roff.section('Description'),
    roff.text(
      'Pulls a git repository of update modules, replaces those that have a newer version in one step, and runs every enabled module. Whatever breaks in the middle, the server ends in the new state or in exactly the old one.',
    ),
    roff.paragraph('Without a command it is "updater run".'),
    roff.section('Commands'),
    ...commands,
    roff.section('Options of every command'),
    ...commonOptions(program).map(({ flags, description }) => roff.entry(roff.bold(flags), description)),
    roff.section('Exit status'),
    ...Object.entries(exitCodeMeanings).map(([code, meaning]) => roff.entry(roff.bold(code), meaning)),
    roff.section('Files'),
    roff.entry(roff.bold(DEFAULT_CONFIG), 'the settings; see homeserver-updates.json(5)'),
    ...(['modulesPath', 'stateDir', 'backupDir', 'logFile'] as const).map((name) => {
      const { default: place = '', description } = settingDefinitions[name];
      return roff.entry(roff.bold(place), description);
    }),
    roff.section('See also'),
    `${roff.bold('homeserver-updates.json')}(5), ${roff.bold('rollback-standalone')}(8)`,
    '',
  ].join('\n');
}
