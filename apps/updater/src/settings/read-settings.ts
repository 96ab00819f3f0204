import path from 'node:path';
import { errnoName, reasonOf, readFileText } from '@homeserver/system';
import { closest } from 'fastest-levenshtein';
import { SettingsError } from './settings-error.ts';
import { keyOf, settingDefinitions, settingNames, variableName, type SettingName, type Settings } from './settings.ts';

export const DEFAULT_CONFIG = '/etc/homeserver-updates/config.json';

/** What the command line gave: flags by setting name, and `--config`. */
export type GivenFlags = Partial<Record<SettingName | 'config', string>>;

/** Each setting from the first place that has it: flag, UPDATER_* variable, settings file, default. Throws SettingsError. */
export function readSettings(flags: GivenFlags, environment: NodeJS.ProcessEnv = process.env): Settings {
  const file = readSettingsFile(flags.config ?? (environment['UPDATER_CONFIG'] || undefined));
  const valueOf = (name: SettingName): string | number | undefined => {
    const { flag, default: otherwise } = settingDefinitions[name];
    // "" comes from an unset variable in a script; as a path it would be the working directory.
    if (flags[name] === '') throw new SettingsError(`${flag}: is empty`);
    const variable = environment[variableName(name)] || undefined;
    if (flags[name] !== undefined) return parsed(name, flags[name], flag);
    if (variable !== undefined) return parsed(name, variable, variableName(name));
    return file[name] ?? (otherwise === undefined ? undefined : parsed(name, otherwise, flag));
  };
  const values = Object.fromEntries(settingNames.map((name) => [name, valueOf(name)])) as Partial<Settings>;
  const { stateDir = '' } = values;
  return { repoUrl: '', localRepo: path.join(stateDir, 'repo'), ...defined(values) } as Settings;
}

function defined(values: Partial<Settings>): Partial<Settings> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** A text as the setting's value; `where` is for the message. A relative path is one from where it was typed. */
function parsed(name: SettingName, text: string, where: string): string | number {
  const { kind } = settingDefinitions[name];
  if (kind === 'path') return path.resolve(text);
  if (kind === 'text') return text;
  if (kind === 'number') {
    if (/^\d{1,6}$/.test(text)) return Number(text);
    throw new SettingsError(`${where}: must be a whole number, not "${text}"`);
  }
  if (kind === 'count') {
    if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
    throw new SettingsError(`${where}: must be a whole number from 1 to 999, not "${text}"`);
  }
  if (kind.includes(text)) return text;
  throw new SettingsError(`${where}: must be ${kind.join(' or ')}, not "${text}"`);
}

function readSettingsFile(given: string | undefined): Partial<Record<SettingName, string | number>> {
  const file = given ?? DEFAULT_CONFIG;
  const settings: Partial<Record<SettingName, string | number>> = {};
  for (const [key, value] of Object.entries(readJsonObject(file, given === undefined))) {
    if (key === '$schema') continue;
    const name = settingNames.find((one) => keyOf(one) === key);
    if (name === undefined) {
      throw new SettingsError(`${file}: ${key}: is not a setting`, {
        hint: `did you mean "${closest(key, settingNames.map(keyOf))}"?`,
      });
    }
    settings[name] = checked(name, value, `${file}: ${key}`);
  }
  return settings;
}

function checked(name: SettingName, value: unknown, where: string): string | number {
  const { kind } = settingDefinitions[name];
  if (kind === 'number' || kind === 'count') {
    if (typeof value !== 'number') throw new SettingsError(`${where}: must be a number`);
    return parsed(name, String(value), where);
  }
  if (typeof value !== 'string' || value === '') throw new SettingsError(`${where}: must be a text`);
  if (kind === 'path' && !path.isAbsolute(value)) throw new SettingsError(`${where}: must be an absolute path`);
  return parsed(name, value, where);
}

/** The settings by key, those of an object as `object.key`. The default file need not exist. */
function readJsonObject(file: string, mayBeMissing: boolean): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(readFileText(file));
  } catch (error) {
    if (mayBeMissing && errnoName(error) === 'ENOENT') return {};
    throw new SettingsError(`cannot read the settings file ${file}: ${reasonOf(error)}`, { cause: error });
  }
  if (!isObject(json)) throw new SettingsError(`${file}: must be a JSON object`);
  const entries = Object.entries(json).flatMap(([key, value]) =>
    isObject(value) ? Object.entries(value).map(([inner, one]) => [`${key}.${inner}`, one]) : [[key, value]],
  );
  return Object.fromEntries(entries) as Record<string, unknown>;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
