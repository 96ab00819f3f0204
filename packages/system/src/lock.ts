import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeDirectoryDurably, writeAll } from './durable-files.ts';
import { errnoName, ioError, reasonOf, SystemError } from './errors.ts';
import { readFileText } from './read-file.ts';
import { keepDescriptorsFromChildren, tryLockExclusive } from './libc.ts';

/** Who holds a lock, as its file says; the kernel's word alone decides whether it is held. */
export interface LockHolder {
  pid: number;
  purpose: string;
  /** Unix seconds. */
  since: number;
}

export interface Lock {
  readonly path: string;
  /** The open file that carries the lock. A child that is given this descriptor keeps the lock alive as long as it lives. */
  readonly fd: number;
  /** Once is enough; again does nothing. */
  release(): void;
}

export interface LockOptions {
  /** Said to whoever finds the lock held, e.g. "updater run". */
  purpose: string;
  /** How long to wait for another holder; default 0: fail at once. */
  waitMs?: number;
  signal?: AbortSignal;
  /** A descriptor that whoever started this process held the lock with; when it is not that, it counts as not given. */
  inherited?: number;
}

/** A process that a killed holder was just starting has the lock until it finds out; that takes no longer. */
const REMNANT_ENDS_WITHIN_MS = 4000;

/**
 * Takes the exclusive kernel lock (flock) on `file`, which is made 0600 if it is missing and never removed. It ends with
 * its last holder, also by kill -9; a stale file never blocks. While only what a killed holder has left behind has it, this
 * waits for up to 4 s. Throws 'lock-held', naming the holder.
 */
export async function acquireLock(file: string, options: LockOptions): Promise<Lock> {
  const { inherited } = options;
  if (inherited !== undefined && carriesLock(inherited, file)) return held(file, inherited, options.purpose);
  const askedAt = Date.now();
  const deadline = askedAt + (options.waitMs ?? 0);
  for (;;) {
    const fd = openLockFile(file);
    const got = tryLock(fd, file);
    if (got && isStillTheFile(fd, file)) return held(file, fd, options.purpose);
    fs.closeSync(fd);
    if (got) continue;
    const isOver = Date.now() >= deadline && !(Date.now() < askedAt + REMNANT_ENDS_WITHIN_MS && isHolderGone(file));
    if (isOver) throw heldByAnother(file);
    await sleep(
      Math.min(100, Math.max(10, deadline - Date.now())),
      undefined,
      options.signal ? { signal: options.signal } : {},
    );
  }
}

function openLockFile(file: string): number {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = fs.constants;
  try {
    makeDirectoryDurably(path.dirname(file), { mode: 0o700 });
    return fs.openSync(file, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  } catch (error) {
    const hint = hintFor(errnoName(error), file);
    const why = `cannot open the lock ${file}: ${reasonOf(error)}`;
    throw new SystemError('io', why, { cause: error, ...(hint === undefined ? {} : { hint }) });
  }
}

/** What is there in place of a lock file that could be opened, and what to do about it. */
function hintFor(errno: string | undefined, file: string): string | undefined {
  if (errno === 'EROFS')
    return 'mount that file system for writing (mount -o remount,rw DIR), then type the same again';
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  const found = stat?.isSymbolicLink() ? `a symlink to ${fs.readlinkSync(file)}` : stat?.isDirectory() && 'a directory';
  return found ? `it is ${found}, which no updater makes: move it away: mv ${file} ${file}.old` : undefined;
}

function tryLock(fd: number, file: string): boolean {
  try {
    return tryLockExclusive(fd);
  } catch (error) {
    fs.closeSync(fd);
    throw ioError('take the lock', file, error);
  }
}

/** A lock belongs to the open file, not to the process: asking for it again through the same open file gets it at once. */
function carriesLock(fd: number, file: string): boolean {
  try {
    if (!isStillTheFile(fd, file) || !tryLockExclusive(fd)) return false;
    keepDescriptorsFromChildren();
    return true;
  } catch {
    return false; // Nothing is open under that number.
  }
}

function isStillTheFile(fd: number, file: string): boolean {
  const there = fs.statSync(file, { throwIfNoEntry: false });
  const ours = fs.fstatSync(fd);
  return there?.ino === ours.ino && there.dev === ours.dev;
}

function held(file: string, fd: number, purpose: string): Lock {
  const holder: LockHolder = { pid: process.pid, purpose, since: Math.floor(Date.now() / 1000) };
  sayHolder(fd, Buffer.from(`${JSON.stringify(holder)}\n`));
  let released = false;
  const release = (): void => {
    if (!released) fs.closeSync(fd);
    released = true; // By then the number may stand for another file.
  };
  return { path: file, fd, release };
}

/** Only people read this: on a full disk the lock must still be had, for that is when a rollback is needed. */
function sayHolder(fd: number, text: Buffer): void {
  try {
    fs.ftruncateSync(fd, 0);
    writeAll(fd, text, 0); // An inherited one stands where its first holder had written to.
  } catch {
    // The file is empty or cut short; readLockHolder then says nothing, and the kernel's lock is held all the same.
  }
}

/** Whether the process that said it holds the lock has ended: what it had started is about to follow. */
export function isHolderGone(file: string): boolean {
  const holder = readLockHolder(file);
  if (holder === undefined) return false;
  try {
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    return errnoName(error) === 'ESRCH';
  }
}

function heldByAnother(file: string): SystemError {
  const holder = readLockHolder(file);
  const who = holder ? `pid ${holder.pid} (${holder.purpose})` : 'another process';
  return new SystemError('lock-held', `${who} holds the lock ${file}`, {
    hint: 'wait for it to end, or give --wait SECONDS',
  });
}

/** What the lock file says of its last holder, or undefined. It does not say whether the lock is held now. */
export function readLockHolder(file: string): LockHolder | undefined {
  try {
    const { pid, purpose, since } = JSON.parse(readFileText(file)) as Partial<LockHolder>;
    return typeof pid === 'number' && typeof purpose === 'string' && typeof since === 'number'
      ? { pid, purpose, since }
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Who holds the lock now, by the kernel's list (proc_locks(5)); undefined when nobody does. Unlike trying to take it, this
 * keeps nobody else from taking it. The holder is 'unknown' where the file does not say.
 */
export function currentLockHolder(file: string): LockHolder | 'unknown' | undefined {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  const isHeld = fs
    .readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .some((line) => line.includes('FLOCK') && line.includes(`:${stat.ino} `));
  return isHeld ? (readLockHolder(file) ?? 'unknown') : undefined;
}
