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
 * when it is one of those, or when it, or the directory it is in, is there below `root`. The module is enabled, and depends
 * on nothing.
 */
export function relocateIndex(index: Json, root: string): Json {
  const { metadata, ...rest } = index;
  const { dependencies: _, enabled: __, ...kept } = metadata as Json;
  const values = new Set(pathsNamed(index));
  const isMoved = (file: string): boolean => values.has(file) || isBelow(root, file);
  return { metadata: kept, ...(relocate(rest, root, isMoved) as Json) };
}

/** The values of an index.json that are paths, but for the programs of this machine. */
export function pathsNamed(index: Json): string[] {
  const { metadata: _, ...rest } = index;
  return textsIn(rest).filter(isPath);
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function relocate(value: unknown, root: string, isMoved: (file: string) => boolean): unknown {
  if (typeof value === 'string') return relocateText(value, root, isMoved);
  if (Array.isArray(value)) return value.map((item) => relocate(item, root, isMoved));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, relocate(item, root, isMoved)]));
}

function relocateText(text: string, root: string, isMoved: (file: string) => boolean): string {
  if (text.startsWith(`${root}/`)) return text;
  if (isPath(text)) return path.join(root, text);
  return text.replaceAll(PATH_IN_TEXT, (found) => (isMoved(found) ? path.join(root, found) : found));
}

function isPath(text: string): boolean {
  return WHOLE_PATH.test(text) && !OF_THE_MACHINE.test(text) && !isProgram(text);
}

function isBelow(root: string, file: string): boolean {
  const parent = path.dirname(file);
  return fs.existsSync(path.join(root, file)) || (parent !== '/' && fs.existsSync(path.join(root, parent)));
}

function isProgram(file: string): boolean {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && stat.isFile() && (stat.mode & 0o111) !== 0;
}
