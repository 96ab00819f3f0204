import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import type { Logger } from '@homeserver/system';
import { createRepository, gitByHand, temporaryDirectory, type GitRepository } from '@homeserver/test-support';
import { openMirror, VersionControlError, type Mirror, type VersionControlErrorCode } from '../src/index.ts';

/** A logger that keeps what it is told, `warn: text`. */
export function listener(): Logger & { readonly said: string[] } {
  const said: string[] = [];
  const say =
    (level: string) =>
    (message: string): void =>
      void said.push(`${level}: ${message}`);
  return { said, debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
}

export interface Scene {
  directory: string;
  /** The maintainer's repository. */
  remote: GitRepository;
  mirror: Mirror;
  said: string[];
}

/** A repository with one commit, and the handle of a mirror that does not exist yet. */
export async function scene(): Promise<Scene> {
  const directory = temporaryDirectory();
  const remote = await createRepository(path.join(directory, 'remote'));
  await remote.commit({
    'index.json': '{}',
    modules: { adblock: { 'index.json': '{"version":1}', 'index.ts': 'export {};' } },
  });
  const logger = listener();
  return {
    directory,
    remote,
    mirror: openMirror({ directory: path.join(directory, 'state/repo'), logger }),
    said: logger.said,
  };
}

/** The files of a mirror below a directory of it, from the mirror's root. */
export function mirrorFiles(mirror: Mirror, below = ''): string[] {
  return fs
    .readdirSync(path.join(mirror.directory, below), { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(mirror.directory, path.join(entry.parentPath, entry.name)));
}

/** For `toThrow`: an error of this package, one line, with this code and these words. */
export function refusal(code: VersionControlErrorCode, words: RegExp = /./): Error {
  const message: unknown = expect.stringMatching(new RegExp(`^(?=[^\\n]*$).*(?:${words.source})`));
  return expect.objectContaining({ name: VersionControlError.name, code, message }) as Error;
}

/** Loose objects in place of packs, as an older mirror or another git may have them; for damage to a single object. */
export async function unpack(mirror: Mirror): Promise<void> {
  const packs = mirrorFiles(mirror, 'objects').filter((file) => file.endsWith('.pack'));
  const contents = packs.map((file) => fs.readFileSync(path.join(mirror.directory, file)));
  fs.rmSync(path.join(mirror.directory, 'objects/pack'), { recursive: true });
  for (const input of contents) {
    const result = await gitByHand([`--git-dir=${mirror.directory}`, 'unpack-objects', '-q'], { input });
    if (result.exitCode !== 0) throw new Error(result.stderr.toString());
  }
}

export function looseObject(mirror: Mirror, id: string): string {
  return path.join(mirror.directory, 'objects', id.slice(0, 2), id.slice(2));
}
