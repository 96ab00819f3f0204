import path from 'node:path';
import { DEFAULT_LOCATIONS } from '@homeserver/orchestrator/start';
import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { overlapOf, type Directories } from '../settings/check-directories.ts';
import { readSettingsFile, type GivenFlags } from '../settings/read-settings.ts';
import type { SettingsFile } from '../settings/settings-file.ts';
import { keyOf, type SettingName } from '../settings/settings.ts';

/** `updater config check [FILE]`: every problem of a settings file, one line each; exit code 2 if there is one. */
export async function configCheckCommand(
  context: CommandContext,
  given: string | undefined,
  flags: GivenFlags,
): Promise<number> {
  const { file, values, problems } = readSettingsFile(given === undefined ? flags : { config: given });
  const overlap = overlapOf(directoriesOf(values), keyOf);
  if (overlap !== undefined) problems.push({ message: `${file}: ${overlap}` });
  const keys = (Object.keys(values) as SettingName[]).map(keyOf);
  const lines =
    problems.length === 0
      ? [`${file} is in order${keys.length === 0 ? '; it sets nothing' : `: it sets ${keys.join(', ')}`}`]
      : problems.flatMap(({ message, hint }) => [message, ...(hint === undefined ? [] : [`  ${hint}`])]);
  context.answer({ file, sets: keys, problems }, lines, problems.length === 0);
  return problems.length === 0 ? EXIT.done : EXIT.usage;
}

/** As they are with this file alone: flags and variables may still change them. */
function directoriesOf(values: SettingsFile['values']): Directories {
  const located = { ...DEFAULT_LOCATIONS, ...values } as Omit<Directories, 'localRepo'>;
  return { localRepo: path.join(located.stateDir, 'repo'), ...located };
}
