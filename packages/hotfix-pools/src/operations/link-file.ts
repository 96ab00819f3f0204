import fs from 'node:fs';
import path from 'node:path';
import {
  baseName,
  makeDirectoryDurably,
  openDirectory,
  parentPath,
  removeTemporaries,
  syncDirectory,
  temporaryName,
} from '@homeserver/system';
import { copyFiles, makeMissingParents } from '../copy-files.ts';
import { resolveDestination } from '../destination.ts';
import { HotfixError } from '../errors.ts';
import { printable, printableReason } from '../printable-text.ts';
import { hashFile } from '../source-file.ts';
import type { LocatedOperation } from './operation-places.ts';

/**
 * Where the file that a link points at is kept: `<stateDir>/linked/<first 12 hex of its SHA-256>/<name>`. Never in the store
 * of modules, which goes away with a version; each content has a place of its own, so a link that is put back finds what it
 * pointed at.
 */
export function linkedFile(stateDir: string, { source }: LocatedOperation): string {
  return path.join(
    stateDir,
    'linked',
    hashFile(source).slice(0, 12),
    Buffer.from(baseName(source), 'latin1').toString(),
  );
}

/**
 * Makes the target a symlink to a copy of the source. The link is made beside its place and renamed into it. Throws
 * HotfixError 'io' or 'unsafe-path': call it inside a guard.
 */
export function linkFile(located: LocatedOperation, stateDir: string): void {
  const { source, destination, permissions } = located;
  if (destination === undefined) throw new HotfixError('invalid-document', 'a symlink needs a target');
  const file = linkedFile(stateDir, located);
  makeDirectoryDurably(path.dirname(file), { mode: 0o755 });
  for (const directory of [path.dirname(file), path.dirname(path.dirname(file))]) fs.chmodSync(directory, 0o755);
  copyFiles([{ source, destination: resolveDestination(file, { forbidden: [] }), permissions }]);
  try {
    makeMissingParents(destination);
    const directory = openDirectory(parentPath(destination.path));
    try {
      const temporary = temporaryName();
      fs.symlinkSync(file, directory.entry(temporary));
      fs.renameSync(directory.entry(temporary), directory.entry(baseName(destination.path)));
      directory.sync();
    } finally {
      directory.close();
    }
  } catch (error) {
    throw new HotfixError('io', `cannot link ${printable(destination.given)}: ${printableReason(error)}`, {
      cause: error,
    });
  }
}

/** Removes linked files that neither a record nor the present names, and what a killed run left beside the others. */
export function dropUnlinked(stateDir: string, kept: ReadonlySet<string>): void {
  const root = path.join(stateDir, 'linked');
  if (!fs.existsSync(root)) return;
  for (const name of fs.readdirSync(root)) {
    const directory = path.join(root, name);
    const isKept = fs.readdirSync(directory).some((file) => kept.has(path.join(directory, file)));
    if (isKept) removeTemporaries(directory);
    else fs.rmSync(directory, { recursive: true, force: true });
  }
  syncDirectory(root);
}

/** What a path points at when it is a symlink, else undefined. */
export function linkTargetOf(place: string): string | undefined {
  const stat = fs.lstatSync(place, { throwIfNoEntry: false });
  return stat?.isSymbolicLink() ? fs.readlinkSync(place) : undefined;
}
