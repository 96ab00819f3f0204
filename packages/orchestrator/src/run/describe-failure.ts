import fs from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { reasonOf } from '@homeserver/system';
import type { ModuleLoading } from './module-loading.ts';

/**
 * Why a module failed, in one line; with the file and line of its own that the error comes from, where that can be told:
 * `x is not a function (index.ts:12)`.
 */
export function describeFailure(error: unknown, directory: string, loading: ModuleLoading): string {
  if (!(error instanceof Error)) return `threw ${inspect(error, { depth: 1, breakLength: Infinity })}`;
  const reason = reasonOf(error) || error.name;
  const place =
    placeIn(error.stack, directory) ??
    placeOfImport(loading.failedImports.get(error), directory) ??
    (error instanceof SyntaxError ? placeInSyntax(loading.lastLoaded, directory) : undefined);
  return place === undefined ? reason : `${reason} (${place})`;
}

/** The same of an error that nobody has caught, with its name: `RangeError: too late (index.ts:12)`. */
export function describeUncaught(error: unknown, directory: string, loading: ModuleLoading): string {
  const text = describeFailure(error, directory, loading);
  return error instanceof Error && !text.startsWith(error.name) ? `${error.name}: ${text}` : text;
}

const frame = /^(?:\s+at (?:.* \()?)?(?:file:\/\/)?(\/.*?):(\d+)(?::\d+)?\)?$/;

/** The first frame that lies in the directory; of what cannot be parsed, the first line of the stack tells. */
function placeIn(stack: string | undefined, directory: string): string | undefined {
  for (const line of stack?.split('\n') ?? []) {
    const [, file = '', number = ''] = frame.exec(line) ?? [];
    const place = within(directory, decode(file), number);
    if (place !== undefined) return place;
  }
  return undefined;
}

function within(directory: string, file: string, line: number | string): string | undefined {
  return file.startsWith(`${directory}/`) ? `${file.slice(directory.length + 1)}:${line}` : undefined;
}

function decode(file: string): string {
  try {
    return decodeURIComponent(file);
  } catch {
    return file; // It does not come from a URL.
  }
}

/** Node names the file at most: the line is the first in it that has the name of what is not there. */
function placeOfImport(failed: { specifier: string; from: string } | undefined, directory: string): string | undefined {
  if (failed === undefined) return undefined;
  try {
    const file = fileURLToPath(failed.from);
    const lines = fs.readFileSync(file, 'utf8').split('\n');
    const at = lines.findIndex((line) => ["'", '"', '`'].some((mark) => line.includes(mark + failed.specifier + mark)));
    return at < 0 ? undefined : within(directory, file, at + 1);
  } catch {
    return undefined;
  }
}

/** Node does not say where in plain JavaScript a syntax error is; its TypeScript parser, which reads that too, does. */
function placeInSyntax(url: string, directory: string): string | undefined {
  try {
    const file = fileURLToPath(url);
    stripTypeScriptTypes(fs.readFileSync(file, 'utf8'), { sourceUrl: file });
    return undefined;
  } catch (error) {
    return error instanceof Error ? placeIn(error.stack, directory) : undefined;
  }
}
