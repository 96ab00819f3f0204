import fs from 'node:fs';
import path from 'node:path';
import { forFs, makeDirectoryDurably, readFileBytes, writeFileDurably, type RawPath } from '@homeserver/system';

/**
 * `<stateDir>/pools/shipped/<sha256>`: what was shipped, as long as a record names it. A merge needs it as its base, and the
 * module's directory has only what is shipped now.
 */
export class ShippedContents {
  readonly #directory: string;

  constructor(stateDir: string) {
    this.#directory = path.join(stateDir, 'pools', 'shipped');
  }

  keep(sha256: string, source: RawPath): void {
    makeDirectoryDurably(this.#directory, { mode: 0o700 });
    const file = path.join(this.#directory, sha256);
    if (!fs.existsSync(file)) writeFileDurably(file, readFileBytes(forFs(source).toString()));
  }

  /** undefined when it was not kept. */
  read(sha256: string): Buffer | undefined {
    const file = path.join(this.#directory, sha256);
    return fs.existsSync(file) ? readFileBytes(file, { followLink: false }) : undefined;
  }

  /** Removes what no record names any more. */
  prune(named: ReadonlySet<string>): void {
    if (!fs.existsSync(this.#directory)) return;
    for (const name of fs.readdirSync(this.#directory))
      if (!named.has(name)) fs.rmSync(path.join(this.#directory, name), { force: true });
  }
}
