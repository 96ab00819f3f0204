import type { WantedState } from '@homeserver/state-manager';
import { errnoName, readFileText, reasonOf } from '@homeserver/system';
import { InvalidArgumentError, type Command } from 'commander';
import { SettingsError } from './settings/settings-error.ts';

const EXAMPLE = 'for example: --database \'{"type":"postgresql","database":"app"}\'';

/** The flags that name state to capture. */
export interface StateFlags {
  file?: string[];
  service?: string[];
  /** As given: JSON, or @FILE. */
  database?: string[];
  allowOutsideHardlinks?: boolean;
}

export function withStateFlags(command: Command): Command {
  return command
    .option('--file <path>', 'a file or directory, with all in it (may be repeated)', collect)
    .option('--service <unit>', 'a systemd unit: enabled, active (may be repeated)', collect)
    .option('--database <json>', 'as JSON, or @FILE that holds it (may be repeated)', collect)
    .option('--allow-outside-hardlinks', 'also files that have another name outside');
}

/** Throws SettingsError for a database that is none; its words never repeat what was given, for that may hold a password. */
export function stateOfFlags({ file, service, database, allowOutsideHardlinks }: StateFlags): WantedState {
  return {
    ...(file === undefined ? {} : { files: file }),
    ...(service === undefined ? {} : { services: service }),
    ...(database === undefined ? {} : { databases: database.map(parseDatabase) }),
    ...(allowOutsideHardlinks ? { allowOutsideHardlinks } : {}),
  };
}

function collect(value: string, before: string[] = []): string[] {
  if (value === '') throw new InvalidArgumentError('it is empty.');
  return [...before, value];
}

function parseDatabase(value: string): Record<string, unknown> {
  const isFile = value.startsWith('@');
  const connection = parseObject(isFile ? readArgument(value.slice(1)) : value);
  if (isFile || !('password' in connection)) return connection;
  throw refusal(
    'a password there can be read by every user of this machine',
    'put it all into a file: --database @FILE',
  );
}

function readArgument(file: string): string {
  try {
    return readFileText(file);
  } catch (error) {
    throw refusal(errnoName(error) === 'ENOENT' ? `there is no file ${file}` : reasonOf(error));
  }
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refusal('it is not JSON', EXAMPLE); // The parser's own words quote the text.
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw refusal('it is not a JSON object', EXAMPLE);
}

function refusal(why: string, hint?: string): SettingsError {
  return new SettingsError(`cannot use --database: ${why}`, hint === undefined ? {} : { hint });
}
