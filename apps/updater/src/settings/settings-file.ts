import path from 'node:path';
import { didYouMean, errnoName, nearestName, readFileText, reasonOf } from '@homeserver/system';
import { SettingsError } from './settings-error.ts';
import { keyOf, settingDefinitions, settingNames, type SettingName } from './settings.ts';

export type SettingValue = string | number;

/** What a settings file says; what it says wrongly is left out of `values`. */
export interface SettingsFile {
  file: string;
  values: Partial<Record<SettingName, SettingValue>>;
  /** One line each, with the file and the key. */
  problems: { message: string; hint?: string }[];
}

/**
 * Reads a settings file and finds every problem in it. The file need not exist with `mayBeMissing`. Throws SettingsError when
 * it cannot be read as a JSON object at all.
 */
export function examineSettingsFile(file: string, options: { mayBeMissing?: boolean } = {}): SettingsFile {
  const found: SettingsFile = { file, values: {}, problems: [] };
  for (const [key, value] of Object.entries(readSettingsObject(file, options.mayBeMissing ?? false))) {
    if (key === '$schema') continue;
    const name = settingNames.find((one) => keyOf(one) === key);
    if (name === undefined) {
      found.problems.push({
        message: `${file}: ${key}: is not a setting`,
        hint: `${didYouMean(nearestName(key, settingNames.map(keyOf)))}see: updater config schema`,
      });
      continue;
    }
    const checked = checkJsonValue(name, value);
    if (typeof checked === 'object') found.problems.push({ message: `${file}: ${key}: ${checked.problem}` });
    else found.values[name] = checked;
  }
  return found;
}

/** A text (a flag, a variable) as the setting's value, or what is wrong with it. A relative path is one from where it was typed. */
export function parseSetting(name: SettingName, text: string): SettingValue | { problem: string } {
  const { kind } = settingDefinitions[name];
  if (kind === 'path') return path.resolve(text);
  if (kind === 'text') return text;
  if (kind === 'url') return checkAddress(name, text);
  if (kind === 'number') {
    return /^\d{1,6}$/.test(text) ? Number(text) : { problem: `must be a whole number, not "${text}"` };
  }
  if (kind === 'count') {
    return /^[1-9]\d{0,2}$/.test(text)
      ? Number(text)
      : { problem: `must be a whole number from 1 to 999, not "${text}"` };
  }
  return kind.includes(text) ? text : { problem: `must be ${kind.join(' or ')}, not "${text}"` };
}

/** The text may hold a password: no message repeats it. */
function checkAddress(name: SettingName, text: string): SettingValue | { problem: string } {
  const schemes = name === 'notifyUrl' ? ['https:', 'http:'] : ['smtps:', 'smtp:'];
  const url = URL.parse(text);
  if (url !== null && url.host !== '' && schemes.includes(url.protocol)) return text;
  return { problem: `must be an address that begins with ${schemes.map((one) => `${one}//`).join(' or ')}` };
}

function checkJsonValue(name: SettingName, value: unknown): SettingValue | { problem: string } {
  const { kind } = settingDefinitions[name];
  if (kind === 'number' || kind === 'count') {
    return typeof value === 'number' ? parseSetting(name, String(value)) : { problem: 'must be a number' };
  }
  if (typeof value !== 'string' || value === '') return { problem: 'must be a text' };
  if (kind === 'path' && !path.isAbsolute(value)) return { problem: 'must be an absolute path' };
  return parseSetting(name, value);
}

/** The settings by key, those of an object as `object.key`. */
function readSettingsObject(file: string, mayBeMissing: boolean): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(readFileText(file).replace(/^\uFEFF/, '')); // A byte order mark: some editors write one.
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
