import path from 'node:path';
import { overlapOf } from './check-directories.ts';
import { SettingsError } from './settings-error.ts';
import { examineSettingsFile, parseSetting, type SettingsFile, type SettingValue } from './settings-file.ts';
import { keyOf, settingDefinitions, settingNames, variableName, type SettingName, type Settings } from './settings.ts';

export const DEFAULT_CONFIG = '/etc/homeserver-updates/config.json';

/** What the command line gave: flags by setting name, and `--config`. */
export type GivenFlags = Partial<Record<SettingName | 'config', string>>;

/** A setting's value, and which place it is from: there its name is `from` (a flag, a variable, a file). */
export interface TracedSetting {
  value: SettingValue | undefined;
  origin: 'flag' | 'environment' | 'file' | 'default';
  from?: string;
}

/** Each setting from the first place that has it: flag, UPDATER_* variable, settings file, default. Throws SettingsError. */
export function readSettings(flags: GivenFlags, environment: NodeJS.ProcessEnv = process.env): Settings {
  const traced = traceSettings(flags, environment);
  const values = Object.entries(traced).flatMap(([name, { value }]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const settings = { repoUrl: '', ...Object.fromEntries(values) } as unknown as Settings;
  const overlap = overlapOf(settings, (name) => givenAs(name, traced[name]));
  if (overlap !== undefined) throw new SettingsError(overlap);
  return settings;
}

function givenAs(name: SettingName, { origin, from }: TracedSetting): string {
  return origin === 'flag' || origin === 'environment' ? String(from) : keyOf(name);
}

/** As `readSettings`, and says of each where it was found. */
export function traceSettings(
  flags: GivenFlags,
  environment: NodeJS.ProcessEnv = process.env,
): Record<SettingName, TracedSetting> {
  const settingsFile = readSettingsFile(flags, environment);
  const [problem] = settingsFile.problems;
  if (problem) throw new SettingsError(problem.message, problem);
  const trace = (name: SettingName): TracedSetting => traceOne(name, flags, environment, settingsFile);
  const settings = Object.fromEntries(settingNames.map((name) => [name, trace(name)])) as Record<
    SettingName,
    TracedSetting
  >;
  settings.localRepo.value ??= path.join(String(settings.stateDir.value), 'repo');
  return settings;
}

/**
 * Some settings, whatever is wrong with the rest of the settings file: a newer release may know keys that this program does
 * not. Throws SettingsError for these alone, and for a file that cannot be read.
 */
export function readSomeSettings<Name extends SettingName>(
  names: readonly Name[],
  flags: GivenFlags,
  environment: NodeJS.ProcessEnv = process.env,
): Pick<Settings, Name> {
  const settingsFile = readSettingsFile(flags, environment);
  const values = names.map((name) => [name, traceOne(name, flags, environment, settingsFile).value]);
  return Object.fromEntries(values) as Pick<Settings, Name>;
}

function traceOne(
  name: SettingName,
  flags: GivenFlags,
  environment: NodeJS.ProcessEnv,
  { file, values }: Pick<SettingsFile, 'file' | 'values'>,
): TracedSetting {
  const { flag = keyOf(name), default: otherwise } = settingDefinitions[name];
  // "" comes from an unset variable in a script; as a path it would be the working directory.
  if (flags[name] === '') throw new SettingsError(`${flag}: is empty`);
  if (flags[name] !== undefined) return { value: parsed(name, flags[name], flag), origin: 'flag', from: flag };
  const variable = variableName(name);
  const text = environment[variable];
  if (text) return { value: parsed(name, text, variable), origin: 'environment', from: variable };
  if (values[name] !== undefined) return { value: values[name], origin: 'file', from: file };
  return { value: otherwise === undefined ? undefined : parsed(name, otherwise, flag), origin: 'default' };
}

/** The settings file that these flags and variables lead to, with all its problems. The default file need not exist. */
export function readSettingsFile(
  flags: GivenFlags,
  environment: NodeJS.ProcessEnv = process.env,
): ReturnType<typeof examineSettingsFile> {
  const given = flags.config ?? (environment['UPDATER_CONFIG'] || undefined);
  return examineSettingsFile(given ?? DEFAULT_CONFIG, { mayBeMissing: given === undefined });
}

function parsed(name: SettingName, text: string, where: string): SettingValue {
  const value = parseSetting(name, text);
  if (typeof value === 'object') throw new SettingsError(`${where}: ${value.problem}`);
  return value;
}
