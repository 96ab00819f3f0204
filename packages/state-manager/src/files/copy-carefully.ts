import fs from 'node:fs';
import { errnoName, forFs, ioError, showPath, statEntry, type EntryStat, type RawPath } from '@homeserver/system';
import { StateManagerError } from '../errors.ts';
import { attributesOf, type AttributeRecord } from './attributes.ts';
import { copyContent, type Content } from './copy-content.ts';
import { dressCopy } from './dress-copy.ts';
import { cannotCapture, refuseFlag } from './scan-tree.ts';
import { hasHoles } from './sparse-content.ts';

const READ_ATTEMPTS = 3;

export interface CarefulCopy {
  stat: EntryStat;
  content: Content;
  xattrs: AttributeRecord | undefined;
}

/** Copies an open file into an empty one, and reads it back. */
export type OpenCopier = (from: number, to: number, sizeBytes: number) => Content;

/**
 * Copies one file of any kind and size, reading until it held still for one whole reading. undefined when it has vanished.
 * Throws 'cannot-capture' when it does not stop changing. An earlier attempt's copy is written over.
 */
export function copyCarefully(path: RawPath, copy: RawPath, copyOpen: OpenCopier): CarefulCopy | undefined {
  for (let attempt = 1; attempt <= READ_ATTEMPTS; attempt += 1) {
    const source = openForReading(path);
    if (source === undefined) {
      fs.rmSync(forFs(copy), { force: true });
      return undefined;
    }
    let target: number | undefined;
    try {
      const { O_RDWR, O_CREAT, O_TRUNC, O_NOFOLLOW } = fs.constants;
      target = fs.openSync(forFs(copy), O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
      const before = lookAtOpen(source);
      const content = hasHoles(source, before) ? copyHoles(source, target) : copyOpen(source, target, before.size);
      const xattrs = attributesOf(source);
      const stat = lookAtOpen(source);
      if (isSame(before, stat) && content.size === stat.size) {
        refuseFlag(path, stat.flag);
        dressCopy(copy, stat, xattrs);
        return { content, stat, xattrs };
      }
    } catch (error) {
      if (error instanceof StateManagerError) throw error;
      throw ioError('copy', showPath(path), error);
    } finally {
      fs.closeSync(source);
      if (target !== undefined) fs.closeSync(target);
    }
  }
  throw cannotCapture(
    path,
    'it changes while it is being read',
    'stop what writes to it, or name its service in the same backup',
  );
}

function copyHoles(from: number, to: number): Content {
  const content = copyContent(from, to, 'sparse');
  if (copyContent(to, undefined, 'sparse').sha256 === content.sha256) return content;
  throw new Error('its copy reads back wrong');
}

function lookAtOpen(fd: number): EntryStat {
  const stat = statEntry(fd);
  if (stat === undefined) throw new Error('nothing is open'); // An open file has a stat, whatever happens to its names.
  return stat;
}

function isSame(before: EntryStat, after: EntryStat): boolean {
  return before.mtimeNs === after.mtimeNs && before.ctimeNs === after.ctimeNs;
}

function openForReading(path: RawPath): number | undefined {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  try {
    return fs.openSync(forFs(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined;
    throw ioError('read', showPath(path), error);
  }
}
