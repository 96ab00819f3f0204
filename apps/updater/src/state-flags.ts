import type { WantedState } from '@homeserver/state-manager';
import { errnoName, readFileText, reasonOf } from '@homeserver/system';
import { InvalidArgumentError, type Command } from 'commander';

/** The flags that name state to capture. */
export interface StateFlags {
  file?: string[];
  service?: string[];
  database?: Record<string, unknown>[];
  allowOutsideHardlinks?: boolean;
}

export function withStateFlags(command: Command): Command {
  return command
    .option('--file <path>', 'a file or directory, with all in it (may be repeated)', collect)
    .option('--service <unit>', 'a systemd unit: enabled, active (may be repeated)', collect)
    .option(
      '--database <json>',
      'e.g. {"type":"postgresql","database":"app","user":"app"}, or @FILE that holds it (may be repeated)',
      collectDatabase,
    )
    .option('--allow-outside-hardlinks', 'also files that have another name outside');
}

export function stateOfFlags({ file, service, database, allowOutsideHardlinks }: StateFlags): WantedState {
  return {
    ...(file === undefined ? {} : { files: file }),
    ...(service === undefined ? {} : { services: service }),
    ...(database === undefined ? {} : { databases: database }),
    ...(allowOutsideHardlinks ? { allowOutsideHardlinks } : {}),
  };
}

function collect(value: string, before: string[] = []): string[] {
  if (value === '') throw new InvalidArgumentError('it is empty.');
  return [...before, value];
}

function collectDatabase(value: string, before: Record<string, unknown>[] = []): Record<string, unknown>[] {
  const isFile = value.startsWith('@');
  const connection = parseObject(isFile ? readArgument(value.slice(1)) : value);
  if (!isFile && 'password' in connection) {
    throw new InvalidArgumentError('a password here can be read by every user of this machine: use --database @FILE.');
  }
  return [...before, connection];
}

function readArgument(file: string): string {
  try {
    return readFileText(file);
  } catch (error) {
    throw new InvalidArgumentError(errnoName(error) === 'ENOENT' ? 'there is no such file.' : `${reasonOf(error)}.`);
  }
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidArgumentError('it is not JSON.'); // The parser's own words quote the text, and a password in it.
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new InvalidArgumentError('it is not a JSON object.');
}
