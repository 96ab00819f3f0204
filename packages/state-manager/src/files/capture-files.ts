import fs from 'node:fs';
import {
  baseName,
  errnoName,
  forFs,
  ioError,
  isWithin,
  joinPath,
  parentPath,
  pathToJson,
  readInodeFlag,
  setTimes,
  showPath,
  toRawPath,
  type InodeFlag,
  type RawPath,
} from '@homeserver/system';
import { StateManagerError } from '../errors.ts';
import { ProgressMeter } from '../progress.ts';
import type { CaptureContext } from '../state-source.ts';
import { readAccountNames } from './account-names.ts';
import { attributesOf, dressWithAttributes, needRoot, type AttributeRecord } from './attributes.ts';
import { copyContent, type Content } from './copy-content.ts';
import type { CapturedEntry, CapturedFile, CapturedFiles, CapturedInode } from './file-record.ts';
import { inodeOf, lookAt, metadataOf, type Stat } from './inode-metadata.ts';
import { readMountPoints, type MountPoints } from './mount-points.ts';
import { realPathOf, resolveRoots, type ResolvedRoot } from './resolve-roots.ts';
import { hasHoles } from './sparse-content.ts';
import { syncFileSystemsOf } from './sync-file-systems.ts';

export interface WantedFiles {
  paths: readonly (string | Uint8Array)[];
  /** Capture files that have other names outside the captured set; a restore then ends that connection. */
  allowOutsideHardlinks?: boolean;
  /**
   * Paths that another source answers for, with all below them (a SQLite database and its -wal): neither captured nor touched
   * by a restore, whether or not they exist.
   */
  leave?: readonly (string | Uint8Array)[];
}

const READ_ATTEMPTS = 3;

/**
 * Copies everything at and below the wanted paths to `<directory>/files`, and returns the record of it. Nothing live is
 * changed. Throws 'cannot-capture' for what could not be put back later: sockets, devices, files that something is mounted
 * on, that are hardlinked outside the set, or that do not stop changing.
 */
export function captureFiles(
  wanted: WantedFiles,
  context: CaptureContext,
  mountPoints: MountPoints = readMountPoints(),
): CapturedFiles {
  const roots = resolveRoots(wanted.paths, context.forbidden);
  refuseFlaggedParents(roots);
  const capture = new FileCapture(wanted, context, mountPoints);
  const startedNs = BigInt(Date.now()) * 1_000_000n;
  settle(roots);
  for (const root of roots) capture.root(root);
  capture.noteLeft(roots);
  capture.countOutsideNames(wanted.allowOutsideHardlinks ?? false);
  capture.finishDirectories();
  capture.progress.end();
  return {
    roots: roots.map((root) => pathToJson(root.real)),
    entries: capture.entries,
    parents: [...capture.parents.values()],
    absent_parents: [...new Set(roots.flatMap((root) => root.absentParents))].map(pathToJson),
    started_ns: String(startedNs),
  };
}

/** A program that writes through mmap leaves no trace in the times until its pages are written out. */
function settle(roots: readonly ResolvedRoot[]): void {
  syncFileSystemsOf(roots.flatMap((root) => [root.parents.at(-1) ?? ('/' as RawPath), root.real]));
}

/** Nothing in an immutable directory can be replaced, and nothing in an append-only one can be renamed. */
function refuseFlaggedParents(roots: readonly ResolvedRoot[]): void {
  for (const parent of new Set(roots.map((root) => root.parents.at(-1) ?? ('/' as RawPath))))
    refuseFlag(parent, readInodeFlag(forFs(parent)));
}

function refuseFlag(path: RawPath, flag: InodeFlag | undefined): void {
  if (flag === undefined) return;
  const letter = flag === 'immutable' ? 'i' : 'a';
  throw cannotCapture(path, `it is ${flag}, and could not be put back`, `if that may be: chattr -${letter}`);
}

/** What is known of a file with several names, while they are being found. */
interface NamedFile {
  first: RawPath;
  seen: number;
  total: number;
  entry: CapturedFile;
}

class FileCapture {
  readonly entries: CapturedEntry[] = [];
  readonly progress: ProgressMeter;
  readonly parents = new Map<RawPath, CapturedFiles['parents'][number]>();
  readonly #files: RawPath;
  readonly #context: CaptureContext;
  readonly #names = readAccountNames();
  readonly #directories: { copy: RawPath; stat: Stat; xattrs: AttributeRecord | undefined }[] = [];
  readonly #copied = new Set<RawPath>();
  readonly #hardlinked = new Map<string, NamedFile>();
  readonly #mountPoints: MountPoints;
  /** Every path that was asked for, also one inside another: that is how a mount point is crossed. */
  readonly #asked: ReadonlySet<RawPath>;
  readonly #left: ReadonlySet<RawPath>;

  constructor(wanted: WantedFiles, context: CaptureContext, mountPoints: MountPoints) {
    this.#context = context;
    this.progress = new ProgressMeter('capture', context.onProgress);
    this.#mountPoints = mountPoints;
    this.#asked = new Set(wanted.paths.map(realPathOf));
    this.#left = new Set((wanted.leave ?? []).map(realPathOf));
    this.#files = toRawPath(`${context.directory}/files`);
    fs.mkdirSync(forFs(this.#files), 0o700);
  }

  root(root: ResolvedRoot): void {
    if (this.#left.has(root.real)) return;
    for (const parent of root.parents) this.#parent(parent);
    const stat = root.absentParents.length > 0 ? undefined : lookAt(root.real);
    if (stat === undefined) {
      const [missing] = root.absentParents;
      if (missing !== undefined) {
        this.#context.logger.warn(
          `${showPath(root.asked)} does not exist, nor does ${showPath(missing)}: is the path right?`,
        );
      }
      this.entries.push({ type: 'absent', path: pathToJson(root.real) });
      return;
    }
    this.#entry(root.real, stat);
  }

  /** Also those that do not exist: a database's -wal that appears later must not be taken for something that was not there. */
  noteLeft(roots: readonly ResolvedRoot[]): void {
    for (const path of this.#left) {
      if (roots.some((root) => isWithin(path, root.real))) this.entries.push({ type: 'left', path: pathToJson(path) });
    }
  }

  #parent(parent: RawPath): void {
    if (this.parents.has(parent)) return;
    const { mode, uid, gid } = metadataOf(fs.lstatSync(forFs(parent), { bigint: true }));
    this.parents.set(parent, { path: pathToJson(parent), mode, uid, gid });
  }

  #entry(path: RawPath, stat: Stat): void {
    if (stat.isDirectory()) return this.#directory(path, stat);
    if (this.#mountPoints.has(path))
      throw cannotCapture(path, 'something is mounted on it, and it could not be replaced');
    if (stat.isFile()) return this.#file(path, stat);
    if (stat.isSymbolicLink()) return this.#symlink(path, stat);
    if (!stat.isFIFO())
      throw cannotCapture(path, `it is ${stat.isSocket() ? 'a socket' : 'a device'}, which could not be put back`);
    this.entries.push({ type: 'fifo', ...this.#metadata(path, stat, attributesOf(forFs(path))) });
  }

  #metadata(
    path: RawPath,
    stat: Stat,
    xattrs: AttributeRecord | undefined,
  ): Pick<CapturedInode, 'path' | 'mode' | 'uid' | 'gid' | 'user' | 'group' | 'mtime_ns' | 'xattrs'> {
    const metadata = metadataOf(stat);
    if (!this.#isOurs(metadata)) {
      throw cannotCapture(path, `only root could give it back to uid ${metadata.uid}, gid ${metadata.gid}`);
    }
    if (xattrs !== undefined && needRoot(xattrs) && process.geteuid?.() !== 0)
      throw cannotCapture(path, 'only root could give its capabilities back');
    const user = this.#names.user(metadata.uid);
    const group = this.#names.group(metadata.gid);
    return {
      path: pathToJson(path),
      ...metadata,
      ...(user === undefined ? {} : { user }),
      ...(group === undefined ? {} : { group }),
      ...(xattrs === undefined ? {} : { xattrs }),
    };
  }

  #isOurs({ uid, gid }: { uid: number; gid: number }): boolean {
    const us = process.geteuid?.();
    return us === 0 || (uid === us && (gid === process.getegid?.() || (process.getgroups?.() ?? []).includes(gid)));
  }

  #directory(path: RawPath, stat: Stat): void {
    const isMountPoint = this.#mountPoints.has(path);
    const isEntered = !isMountPoint || this.#asked.has(path);
    const xattrs = attributesOf(forFs(path));
    this.entries.push({
      type: 'directory',
      ...this.#metadata(path, stat, xattrs),
      ...(isMountPoint ? { mount_point: true } : {}),
      ...(isMountPoint && isEntered ? { crossed: true } : {}),
    });
    const copy = this.#makeCopyDirectory(path);
    this.#directories.push({ copy, stat, xattrs });
    if (!isEntered) return;
    refuseFlag(path, readInodeFlag(forFs(path)));
    let names: string[];
    try {
      names = fs.readdirSync(forFs(path), 'latin1').sort();
    } catch (error) {
      throw ioError('read the directory', showPath(path), error);
    }
    for (const name of names) {
      const child = joinPath(path, name);
      if (this.#left.has(child)) continue;
      const childStat = lookAt(child);
      if (childStat !== undefined) this.#entry(child, childStat);
    }
  }

  #symlink(path: RawPath, stat: Stat): void {
    const target = toRawPath(fs.readlinkSync(forFs(path), { encoding: 'buffer' }));
    const metadata = this.#metadata(path, stat, attributesOf(forFs(path)));
    this.entries.push({ type: 'symlink', ...metadata, target: pathToJson(target) });
    fs.symlinkSync(forFs(target), forFs(this.#copyPath(path)));
  }

  #file(path: RawPath, seen: Stat): void {
    const known = this.#hardlinked.get(inodeOf(seen));
    if (known !== undefined) {
      known.seen += 1;
      this.entries.push({ type: 'hardlink', path: pathToJson(path), same_as: pathToJson(known.first) });
      return;
    }
    const copied = this.#copyFile(path);
    if (copied === undefined) return; // It vanished since its directory was read: so it is absent.
    const { stat, content, xattrs } = copied;
    this.progress.add(1, content.size);
    const entry: CapturedFile = {
      type: 'file',
      ...this.#metadata(path, stat, xattrs),
      size: content.size,
      sha256: content.sha256,
      ...(content.form === 'sparse' ? { sparse: true } : {}),
      ctime_ns: String(stat.ctimeNs),
      ino: String(stat.ino),
    };
    this.entries.push(entry);
    if (stat.nlink > 1n)
      this.#hardlinked.set(inodeOf(stat), { first: path, seen: 1, total: Number(stat.nlink), entry });
  }

  /** Reads until the file held still for one whole reading. */
  #copyFile(path: RawPath): { content: Content; stat: Stat; xattrs: AttributeRecord | undefined } | undefined {
    const copy = forFs(this.#copyPath(path));
    for (let attempt = 1; attempt <= READ_ATTEMPTS; attempt += 1) {
      const source = openForReading(path);
      if (source === undefined) {
        fs.rmSync(copy, { force: true });
        return undefined;
      }
      let target: number | undefined;
      try {
        target = fs.openSync(copy, 'w', 0o600);
        const before = fs.fstatSync(source, { bigint: true });
        const content = copyContent(source, target, hasHoles(source, before) ? 'sparse' : 'plain');
        const xattrs = attributesOf(source);
        const after = fs.fstatSync(source, { bigint: true });
        if (
          before.mtimeNs === after.mtimeNs &&
          before.ctimeNs === after.ctimeNs &&
          BigInt(content.size) === after.size
        ) {
          refuseFlag(path, readInodeFlag(source));
          this.#dressCopy(target, copy, after, xattrs);
          return { content, stat: after, xattrs };
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

  /** The copy carries the true owner, mode and time, so that it can be put back by hand; never setuid, setgid, capabilities. */
  #dressCopy(fd: number, copy: string | Buffer, stat: Stat, xattrs: AttributeRecord | undefined): void {
    const { mode, uid, gid } = metadataOf(stat);
    if (process.getuid?.() === 0 && (uid !== 0 || gid !== 0)) fs.fchownSync(fd, uid, gid);
    dressWithAttributes(fd, xattrs);
    fs.fchmodSync(fd, mode & 0o1777);
    setTimes(copy, stat.atimeNs, stat.mtimeNs);
  }

  countOutsideNames(areAllowed: boolean): void {
    for (const { first, seen, total, entry } of this.#hardlinked.values()) {
      const outside = total - seen;
      if (outside === 0) continue;
      if (areAllowed) entry.outside_names = outside;
      else {
        throw cannotCapture(
          first,
          `it has ${outside} more name(s) outside the captured paths, and a restore would separate them`,
          'capture all its names, or allow it (allowOutsideHardlinks)',
        );
      }
    }
  }

  /** Last, deepest first: a directory's time changes whenever something is made in it. */
  finishDirectories(): void {
    const isRoot = process.getuid?.() === 0;
    for (const { copy, stat, xattrs } of this.#directories.toReversed()) {
      const { mode, uid, gid } = metadataOf(stat);
      if (isRoot) fs.chownSync(forFs(copy), uid, gid);
      dressWithAttributes(forFs(copy), xattrs);
      fs.chmodSync(forFs(copy), isRoot ? mode & 0o1777 : (mode & 0o1777) | 0o700);
      setTimes(forFs(copy), stat.atimeNs, stat.mtimeNs);
    }
  }

  #copyPath(path: RawPath): RawPath {
    return joinPath(this.#makeCopyDirectory(parentPath(path)), baseName(path));
  }

  #makeCopyDirectory(path: RawPath): RawPath {
    const copy = path === '/' ? this.#files : joinPath(this.#files, path.slice(1));
    if (path === '/' || this.#copied.has(path)) return copy;
    this.#makeCopyDirectory(parentPath(path));
    fs.mkdirSync(forFs(copy), 0o700);
    this.#copied.add(path);
    return copy;
  }
}

function cannotCapture(path: RawPath, why: string, hint?: string): StateManagerError {
  return new StateManagerError(
    'cannot-capture',
    `cannot capture ${showPath(path)}: ${why}`,
    hint === undefined ? {} : { hint },
  );
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

/** Where the copy of a captured path lies in a backup. */
export function copyOf(directory: string, path: RawPath): RawPath {
  return joinPath(toRawPath(`${directory}/files`), path.slice(1));
}
