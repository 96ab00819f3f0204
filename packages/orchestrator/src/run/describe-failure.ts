import fs from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { reasonOf } from '@homeserver/system';

/**
 * Why a module failed, in one line; with the file and line of its own that the error comes from, where that can be told:
 * `x is not a function (index.ts:12)`. `lastLoaded`: URL of the file that was loaded last; a syntax error is in it.
 */
export function describeFailure(error: unknown, directory: string, lastLoaded: string): string {
  if (!(error instanceof Error)) return `threw ${inspect(error, { depth: 1, breakLength: Infinity })}`;
  const reason = reasonOf(error) || error.name;
  const place =
    placeIn(error.stack, directory) ??
    (error instanceof SyntaxError ? placeInSyntax(lastLoaded, directory) : undefined);
  return place === undefined ? reason : `${reason} (${place})`;
}

const frame = /^(?:\s+at (?:.* \()?)?(?:file:\/\/)?(\/.*?):(\d+)(?::\d+)?\)?$/;

/** The first frame that lies in the directory; of what cannot be parsed, the first line of the stack tells. */
function placeIn(stack: string | undefined, directory: string): string | undefined {
  for (const line of stack?.split('\n') ?? []) {
    const [, file = '', number = ''] = frame.exec(line) ?? [];
    const path = decode(file);
    if (path.startsWith(`${directory}/`)) return `${path.slice(directory.length + 1)}:${number}`;
  }
  return undefined;
}

function decode(file: string): string {
  try {
    return decodeURIComponent(file);
  } catch {
    return file; // It does not come from a URL.
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
