import fs from 'node:fs';
import path from 'node:path';

type Json = Readonly<Record<string, unknown>>;

const WHOLE_PATH = /^\/[^\s:;|&<>()"'`$*?]*$/;
/** An absolute path in a command line or a file URL; not the path of an https URL. */
const PATH_IN_TEXT = /(?<![\w.~}/-])\/[\w.@+-][\w.@+/-]*|(?<=file:\/\/)\/[\w.@+-][\w.@+/-]*/g;
const OF_THE_MACHINE = /^\/(dev|proc|sys)(\/|$)/;

/**
 * The index.json with its absolute paths moved below `root`, as a module test needs it. A value that is a path is moved
 * whole, unless it is a program of this machine; within other texts (closure lines, commands, file URLs) a path is moved
 * when it, or the directory it is in, is there below `root`. The module is enabled, and depends on nothing.
 */
export function relocateIndex(index: Json, root: string): Json {
  const { metadata, ...rest } = index;
  const { dependencies: _, enabled: __, ...kept } = metadata as Json;
  return { metadata: kept, ...(relocate(rest, root) as Json) };
}

function relocate(value: unknown, root: string): unknown {
  if (typeof value === 'string') return relocateText(value, root);
  if (Array.isArray(value)) return value.map((item) => relocate(item, root));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, relocate(item, root)]));
}

function relocateText(text: string, root: string): string {
  if (text.startsWith(`${root}/`)) return text;
  if (WHOLE_PATH.test(text) && !OF_THE_MACHINE.test(text) && !isProgram(text)) return path.join(root, text);
  return text.replaceAll(PATH_IN_TEXT, (found) => (isBelow(root, found) ? path.join(root, found) : found));
}

function isBelow(root: string, file: string): boolean {
  const parent = path.dirname(file);
  return fs.existsSync(path.join(root, file)) || (parent !== '/' && fs.existsSync(path.join(root, parent)));
}

function isProgram(file: string): boolean {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && stat.isFile() && (stat.mode & 0o111) !== 0;
}
