import path from 'node:path';
import { errnoName, reasonOf, readFileText } from '@homeserver/system';
import { closest } from 'fastest-levenshtein';
import { SettingsError } from './settings-error.ts';
import { settingDefinitions, settingNames, variableName, type SettingName, type Settings } from './settings.ts';

export const DEFAULT_CONFIG = '/etc/homeserver-updates/config.json';

/** What the command line gave: flags by setting name, and `--config`. */
export type GivenFlags = Partial<Record<SettingName | 'config', string>>;

/** Each setting from the first place that has it: flag, UPDATER_* variable, settings file, default. Throws SettingsError. */
export function readSettings(flags: GivenFlags, environment: NodeJS.ProcessEnv = process.env): Settings {
  const file = readSettingsFile(flags.config ?? (environment['UPDATER_CONFIG'] || undefined));
  const valueOf = (name: SettingName): string | undefined => {
    // "" comes from an unset variable in a script; as a path it would be the working directory.
    if (flags[name] === '') throw new SettingsError(`${settingDefinitions[name].flag}: is empty`);
    const given =
      flags[name] ?? (environment[variableName(name)] || undefined) ?? file[name] ?? settingDefinitions[name].default;
    return given !== undefined && settingDefinitions[name].isPath ? path.resolve(given) : given;
  };
  const values = Object.fromEntries(settingNames.map((name) => [name, valueOf(name)])) as Partial<Settings>;
  const { stateDir = '' } = values;
  return { repoUrl: '', localRepo: path.join(stateDir, 'repo'), ...defined(values) } as Settings;
}

function defined(values: Partial<Settings>): Partial<Settings> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function readSettingsFile(given: string | undefined): Partial<Record<SettingName, string>> {
  const file = given ?? DEFAULT_CONFIG;
  let text: string;
  try {
    text = readFileText(file);
  } catch (error) {
    if (given === undefined && errnoName(error) === 'ENOENT') return {};
    throw new SettingsError(`cannot read the settings file ${file}: ${reasonOf(error)}`, { cause: error });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new SettingsError(`cannot read the settings file ${file}: ${reasonOf(error)}`, { cause: error });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new SettingsError(`${file}: must be a JSON object`);
  const settings: Partial<Record<SettingName, string>> = {};
  for (const [key, value] of Object.entries(json)) {
    if (key === '$schema') continue;
    if (!isSettingName(key)) {
      throw new SettingsError(`${file}: ${key}: is not a setting`, {
        hint: `did you mean "${closest(key, settingNames as string[])}"?`,
      });
    }
    if (typeof value !== 'string' || value === '') throw new SettingsError(`${file}: ${key}: must be a text`);
    if (settingDefinitions[key].isPath && !path.isAbsolute(value))
      throw new SettingsError(`${file}: ${key}: must be an absolute path`);
    settings[key] = value;
  }
  return settings;
}

function isSettingName(key: string): key is SettingName {
  return (settingNames as readonly string[]).includes(key);
}
