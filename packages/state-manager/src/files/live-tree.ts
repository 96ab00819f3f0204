import fs from 'node:fs';
import { baseName, openDirectory, parentPath, type OpenDirectory, type RawPath } from '@homeserver/system';

/**
 * The tree that is being restored, through descriptors: what is done in a directory happens in that very directory, even if
 * its path is swapped for a link meanwhile.
 */
export class LiveTree {
  /** Directories whose mode was changed, so that something could be made in them. */
  readonly loosened: Set<RawPath> = new Set();
  readonly #recorded: ReadonlySet<RawPath>;
  #open: { path: RawPath; directory: OpenDirectory } | undefined;

  /** `recorded`: directories whose mode is made right in the end, and may be changed until then. */
  constructor(recorded: ReadonlySet<RawPath>) {
    this.#recorded = recorded;
  }

  /** The path of an entry, through its open directory; good until another directory is asked for. */
  entry(path: RawPath): string | Buffer {
    return this.directory(parentPath(path)).entry(baseName(path));
  }

  directory(path: RawPath): OpenDirectory {
    if (this.#open?.path === path) return this.#open.directory;
    this.close();
    const directory = openDirectory(path);
    this.#open = { path, directory };
    if (this.#recorded.has(path) && allowWriting(directory.entry('.'))) this.loosened.add(path);
    return directory;
  }

  close(): void {
    this.#open?.directory.close();
    this.#open = undefined;
  }
}

/** An ordinary user must be able to write into their own read-only directories; their mode comes back at the end. */
export function allowWriting(at: string | Buffer): boolean {
  if (process.getuid?.() === 0) return false;
  const stat = fs.statSync(at);
  if (stat.uid !== process.getuid?.() || (stat.mode & 0o300) === 0o300) return false;
  fs.chmodSync(at, stat.mode | 0o700);
  return true;
}
