import fs from 'node:fs';
import path from 'node:path';
import { makeDirectoryDurably, tryLockExclusive } from '@homeserver/system';

export interface Rotation {
  /** A file that would grow beyond this gets a number: `updates.log.1`. Default 10 MiB. */
  maxBytes?: number;
  /** How many numbered files there are at most; default 5. */
  keep?: number;
}

/**
 * A file that lines are appended to. Each line is one write with O_APPEND, so several processes may share it, and each of
 * them may rotate it: who does holds a lock on the very file, and the others go on in the new one with their next line. No
 * line is lost. A file that something else renamed or removed is followed in the same way.
 */
export class RotatingFile {
  readonly #file: string;
  readonly #maxBytes: number;
  readonly #keep: number;
  #fd: number;
  #isTorn = false;

  /** Made 0600 with its missing parent directories. Throws what the file system says. */
  constructor(file: string, { maxBytes = 10 * 1024 * 1024, keep = 5 }: Rotation = {}) {
    this.#file = path.resolve(file);
    this.#maxBytes = maxBytes;
    this.#keep = keep;
    makeDirectoryDurably(path.dirname(this.#file));
    this.#fd = this.#open();
  }

  /** Throws what the file system says. */
  write(line: string): void {
    const data = Buffer.from(this.#isTorn ? `\n${line}` : line); // A line that a full disk cut off must not swallow this one.
    this.#makeRoom(data.length);
    let done = 0;
    try {
      while (done < data.length) done += fs.writeSync(this.#fd, data, done);
      this.#isTorn = false;
    } catch (error) {
      if (done > 0) this.#isTorn = data[done - 1] !== 0x0a;
      throw error;
    }
  }

  close(): void {
    fs.closeSync(this.#fd);
  }

  /** The file under our name, with room for `bytes`. That it cannot be rotated is no reason to lose a line. */
  #makeRoom(bytes: number): void {
    if (!this.#isCurrent()) this.#reopen();
    const stat = fs.fstatSync(this.#fd);
    if (!stat.isFile() || stat.size === 0 || stat.size + bytes <= this.#maxBytes) return;
    if (!tryLockExclusive(this.#fd)) return; // Another process is about to rotate it.
    try {
      if (this.#isCurrent()) this.#rename();
    } catch {
      // See above.
    }
    this.#reopen(); // It also lets the lock go.
  }

  #isCurrent(): boolean {
    const [ours, named] = [fs.fstatSync(this.#fd), fs.statSync(this.#file, { throwIfNoEntry: false })];
    return named !== undefined && named.ino === ours.ino && named.dev === ours.dev;
  }

  #rename(): void {
    for (let number = this.#keep - 1; number >= 1; number -= 1) {
      const [from, to] = [`${this.#file}.${number}`, `${this.#file}.${number + 1}`];
      if (fs.existsSync(from)) fs.renameSync(from, to);
    }
    fs.renameSync(this.#file, `${this.#file}.1`);
  }

  /** The old one stays when the new one cannot be opened. */
  #reopen(): void {
    const fd = this.#open();
    fs.closeSync(this.#fd);
    this.#fd = fd;
    this.#isTorn = false;
  }

  #open(): number {
    return fs.openSync(this.#file, 'a', 0o600);
  }
}
