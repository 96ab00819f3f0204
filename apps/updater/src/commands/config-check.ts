import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { readSettingsFile, type GivenFlags } from '../settings/read-settings.ts';
import { keyOf, type SettingName } from '../settings/settings.ts';

/** `updater config check [FILE]`: every problem of a settings file, one line each; exit code 2 if there is one. */
export async function configCheckCommand(
  context: CommandContext,
  given: string | undefined,
  flags: GivenFlags,
): Promise<number> {
  const { file, values, problems } = readSettingsFile(given === undefined ? flags : { config: given });
  const keys = (Object.keys(values) as SettingName[]).map(keyOf);
  const lines =
    problems.length === 0
      ? [`${file} is in order${keys.length === 0 ? '; it sets nothing' : `: it sets ${keys.join(', ')}`}`]
      : problems.flatMap(({ message, hint }) => [message, ...(hint === undefined ? [] : [`  ${hint}`])]);
  context.answer({ file, sets: keys, problems }, lines, problems.length === 0);
  return problems.length === 0 ? EXIT.done : EXIT.usage;
}
