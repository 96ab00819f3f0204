import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { readFileText, reasonOf } from '@homeserver/system';
import { z } from 'zod';
import { StateManagerError } from '../errors.ts';

/** What a restore needs and nobody else may read: `db_<n>.secret`, 0600, in the backup and nowhere else. */
export interface DatabaseSecret {
  /** Of the connection. */
  password?: string;
  /** What makes the accounts that the database refers to again, should they be gone: SQL, by account. */
  accounts?: Record<string, string>;
}

const secretSchema: z.ZodType<DatabaseSecret> = z.strictObject({
  password: z.string().exactOptional(),
  accounts: z.record(z.string(), z.string()).exactOptional(),
});

/** Its first line is the SHA-256 of the rest: in the manifest it would help somebody to guess the password. */
export function writeSecret(directory: string, file: string, secret: DatabaseSecret): void {
  const body = `${JSON.stringify(secret)}\n`;
  const fd = fs.openSync(path.join(directory, file), 'wx', 0o600);
  try {
    fs.writeFileSync(fd, `${checksumOf(body)}\n${body}`);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Throws 'damaged'; never with a word of its content. */
export function readSecret(directory: string, file: string): DatabaseSecret {
  const place = path.join(directory, file);
  const damaged = (why: string): StateManagerError =>
    new StateManagerError('damaged', `cannot restore: the backup is damaged: ${place} ${why}`, {
      hint: 'nothing live was touched',
    });
  let content: string;
  try {
    content = readFileText(place, { followLink: false });
  } catch (error) {
    throw damaged(`cannot be read: ${reasonOf(error)}`);
  }
  const body = content.slice(content.indexOf('\n') + 1);
  if (content !== `${checksumOf(body)}\n${body}`) throw damaged('does not match its checksum');
  const parsed = secretSchema.safeParse(JSON.parse(body));
  if (!parsed.success) throw damaged('was written by another version');
  return parsed.data;
}

/** What is wrong with it, in one line, or undefined. */
export function damageOfSecret(directory: string, file: string): string | undefined {
  try {
    readSecret(directory, file);
    return undefined;
  } catch (error) {
    return reasonOf(error).replace(/^cannot restore: the backup is damaged: /, '');
  }
}

function checksumOf(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}
