import fs from 'node:fs';
import path from 'node:path';
import { errnoName, makeDirectoryDurably, readFileText, reasonOf, writeFileDurably } from '@homeserver/system';
import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { SettingsError } from '../settings/settings-error.ts';

/** `<type> <base64>`, as ssh-keygen(1) writes a public key; a comment may follow. */
const PUBLIC_KEY = /^((?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+) ([A-Za-z0-9+/]+=*)(?: [^\n]*)?$/;

/**
 * `updater trust init KEY.pub`: from now on only what is signed by this key, or by one that is in the file already, is
 * taken from the repository.
 */
export async function trustInitCommand(context: CommandContext, keyFile: string): Promise<number> {
  const file = context.settings.trustAllowedSigners;
  const key = readPublicKey(keyFile);
  const before = readIfThere(file);
  const isNew = !before.includes(key);
  if (isNew) {
    makeDirectoryDurably(path.dirname(file));
    const separator = before === '' || before.endsWith('\n') ? '' : '\n';
    writeFileDurably(file, `${before}${separator}* namespaces="git" ${key}\n`, { mode: 0o644 });
  }
  context.answer({ file, key, added: isNew }, [
    isNew ? `Added the key to ${file}.` : `The key is in ${file} already.`,
    'From now on nothing of the repository is used unless its newest commit is signed by a key in this file.',
    `To change a key: add the new one, wait until it signs, then put the old one into ${context.settings.trustRevokedSigners}.`,
  ]);
  return EXIT.done;
}

function readPublicKey(file: string): string {
  let text: string;
  try {
    text = readFileText(file).trim();
  } catch (error) {
    throw new SettingsError(`cannot read the public key ${file}: ${reasonOf(error)}`, { cause: error });
  }
  const [, type, base64] = PUBLIC_KEY.exec(text) ?? [];
  if (type !== undefined) return `${type} ${base64}`;
  const isPrivate = text.includes('PRIVATE KEY');
  throw new SettingsError(`${file}: is ${isPrivate ? 'a private key' : 'no public SSH key'}`, {
    hint: isPrivate
      ? `keep it secret; give its public half: ${file}.pub`
      : 'a key looks like: ssh-ed25519 AAAA... name',
  });
}

function readIfThere(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return '';
    throw new SettingsError(`cannot read ${file}: ${reasonOf(error)}`, { cause: error });
  }
}
