import fs from 'node:fs';
import { runCommand } from '@homeserver/system';
import type { GitRepository } from './git-repository.ts';

/** A key that a maintainer signs commits and tags with. */
export interface SigningKey {
  /** The private key; the public one is beside it, `.pub`. */
  file: string;
  /** `<type> <base64>`, as a line of allowed signers ends. */
  publicKey: string;
}

/** Makes an SSH key without a passphrase. Needs ssh-keygen (Debian: openssh-client). */
export async function createSigningKey(file: string): Promise<SigningKey> {
  const result = await runCommand(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file]);
  if (result.exitCode !== 0) throw new Error(`ssh-keygen: ${result.stderr.toString()}`);
  return { file, publicKey: fs.readFileSync(`${file}.pub`, 'utf8').trim() };
}

/** From now on, commits of this repository are signed, and annotated tags too; undefined: no more. */
export async function signWith(repository: GitRepository, key: SigningKey | undefined): Promise<void> {
  const on = String(key !== undefined);
  await repository.git('config', 'gpg.format', 'ssh');
  await repository.git('config', 'user.signingkey', key === undefined ? '' : key.file);
  await repository.git('config', 'commit.gpgsign', on);
  await repository.git('config', 'tag.gpgsign', on);
}

/** A file of allowed signers with these keys, readable by all, writable by us. */
export function writeAllowedSigners(file: string, keys: readonly SigningKey[]): void {
  const lines = keys.map(({ publicKey }) => `maintainer@example.org namespaces="git" ${publicKey}\n`);
  fs.writeFileSync(file, lines.join(''), { mode: 0o644 });
}
