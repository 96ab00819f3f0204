import type { RawPath } from '@homeserver/system';

interface Seen {
  path: RawPath;
  /** Names met on the walks. */
  met: number;
  nlink: number;
  isOurs: boolean;
}

/** Files with several names: whose names are not all met, and which belong to somebody else, must be left alone. */
export class HardlinkWatch {
  readonly #seen = new Map<string, Seen>();

  /** `isOurs`: the file belongs already to whom it should belong. */
  see(path: RawPath, stat: { dev: number; ino: number; nlink: number }, isOurs: boolean): void {
    const key = `${stat.dev}:${stat.ino}`;
    const seen = this.#seen.get(key) ?? { path, met: 0, nlink: stat.nlink, isOurs };
    this.#seen.set(key, { ...seen, met: seen.met + 1 });
  }

  /** By inode key: the first name met, and how many names lie elsewhere. */
  foreign(): Map<string, { path: RawPath; names: number }> {
    const foreign = [...this.#seen].filter(([, { isOurs, met, nlink }]) => !isOurs && met < nlink);
    return new Map(foreign.map(([key, { path, met, nlink }]) => [key, { path, names: nlink - met }]));
  }
}
