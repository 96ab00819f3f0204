import type { JsonPath } from '@homeserver/system';
import { z } from 'zod';
import type { AttributeRecord } from './attributes.ts';

/*
 * The `files` section of manifest.json. Numbers that do not fit a double (nanoseconds, inodes) are decimal strings.
 */

/** What an entry has besides its content. */
interface InodeRecord {
  path: JsonPath;
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  mode: number;
  uid: number;
  gid: number;
  /** The names of uid and gid on the captured machine. */
  user?: string;
  group?: string;
  mtime_ns: string;
  /** Extended attributes: name (its bytes as latin1) to value (base64). ACLs and capabilities are among them. */
  xattrs?: AttributeRecord;
}

/** What can have more than one name. */
interface NamedRecord extends InodeRecord {
  /** How many names it had, if more than one: those recorded and, where that was allowed, others. */
  links?: number;
}

export interface CapturedFile extends NamedRecord {
  type: 'file';
  size: number;
  /** Hex; of the whole content, unless `sparse` is set. */
  sha256: string;
  /** It had holes: sha256 is of its blocks that are not zero, as sparse-content.ts defines, and holes are put back. */
  sparse?: true;
  /** With ino and size: lets a later look skip the content of a file that nobody touched. */
  ctime_ns: string;
  ino: string;
  /** Where it was captured, and its copy lies, when `path` is another: only in memory, in a relocated record. */
  captured_as?: JsonPath;
}

export interface CapturedDirectory extends InodeRecord {
  type: 'directory';
  /** Something is mounted here. What is in it was captured only if this is a root, or `crossed`; else it is left alone. */
  mount_point?: true;
  /** The mount point was asked for by its own path. */
  crossed?: true;
}

export interface CapturedSymlink extends NamedRecord {
  type: 'symlink';
  target: JsonPath;
}

export interface CapturedFifo extends NamedRecord {
  type: 'fifo';
}

/** Another name of a file, symlink or FIFO that is listed with all that it has under `same_as`. */
export interface CapturedHardlink {
  type: 'hardlink';
  path: JsonPath;
  same_as: JsonPath;
}

/** Nothing had this name. */
export interface CapturedAbsence {
  type: 'absent';
  path: JsonPath;
}

/** Another source answers for what has this name, and for all below it: neither captured nor touched by a restore. */
export interface LeftEntry {
  type: 'left';
  path: JsonPath;
}

/** An entry that has an owner, a mode and times of its own. */
export type CapturedInode = CapturedFile | CapturedDirectory | CapturedSymlink | CapturedFifo;
export type CapturedEntry = CapturedInode | CapturedHardlink | CapturedAbsence | LeftEntry;

export interface CapturedFiles {
  /** The real path of each path that was asked for; everything below a directory belongs to it. */
  roots: JsonPath[];
  /** Parents before children. */
  entries: Iterable<CapturedEntry>;
  /** Directories above the roots, outermost first: only to make one again that has vanished. */
  parents: { path: JsonPath; mode: number; uid: number; gid: number }[];
  /** Directories above the roots that did not exist, outermost first: removed by a restore if they are empty then. */
  absent_parents: JsonPath[];
  /** What a restore may have to write, one for each file system; `place` is a directory on it. */
  room: { place: JsonPath; largest_bytes: number; total_bytes: number }[];
  /** When the capture began; entries with a later ctime may have changed unnoticed (the clock is coarse). */
  started_ns: string;
}

export const jsonPathSchema: z.ZodType<JsonPath> = z.union([z.string().min(1), z.strictObject({ base64: z.base64() })]);
const decimal = z.string().regex(/^-?\d+$/);
const links = z.int().exactOptional();

const inode = {
  path: jsonPathSchema,
  mode: z.int().min(0).max(0o7777),
  uid: z.int(),
  gid: z.int(),
  user: z.string().exactOptional(),
  group: z.string().exactOptional(),
  mtime_ns: decimal,
  xattrs: z.record(z.string(), z.base64()).exactOptional(),
};

export const capturedEntrySchema: z.ZodType<CapturedEntry> = z.discriminatedUnion('type', [
  z.strictObject({
    ...inode,
    type: z.literal('file'),
    size: z.int().min(0),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    sparse: z.literal(true).exactOptional(),
    ctime_ns: decimal,
    ino: decimal,
    links,
  }),
  z.strictObject({
    ...inode,
    type: z.literal('directory'),
    mount_point: z.literal(true).exactOptional(),
    crossed: z.literal(true).exactOptional(),
  }),
  z.strictObject({ ...inode, type: z.literal('symlink'), target: jsonPathSchema, links }),
  z.strictObject({ ...inode, type: z.literal('fifo'), links }),
  z.strictObject({ type: z.literal('hardlink'), path: jsonPathSchema, same_as: jsonPathSchema }),
  z.strictObject({ type: z.literal('absent'), path: jsonPathSchema }),
  z.strictObject({ type: z.literal('left'), path: jsonPathSchema }),
]);

export const capturedFilesSchema: z.ZodType<CapturedFiles> = z.strictObject({
  roots: z.array(jsonPathSchema),
  entries: z.array(capturedEntrySchema),
  parents: z.array(z.strictObject({ path: jsonPathSchema, mode: z.int(), uid: z.int(), gid: z.int() })),
  absent_parents: z.array(jsonPathSchema),
  room: z.array(z.strictObject({ place: jsonPathSchema, largest_bytes: z.int(), total_bytes: z.int() })),
  started_ns: decimal,
});
