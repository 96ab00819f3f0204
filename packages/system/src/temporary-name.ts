import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { errnoName } from './errors.ts';

/** SQLite keeps a journal beside a database that it makes. */
const pattern = /^\.homeserver-updates-[0-9a-f]{16}\.tmp(-journal)?$/;

/** A fresh name for something half-made beside its target; recognisable, so that a crash leaves nothing nameless behind. */
export function temporaryName(): string {
  return `.homeserver-updates-${randomBytes(8).toString('hex')}.tmp`;
}

/** Whether a name is one of ours, left by a process that died. */
export function isTemporaryName(name: string): boolean {
  return pattern.test(name);
}

/** Removes what a crash left half-made in `directory`. Call it only under the lock; a missing directory is fine. */
export function removeTemporaries(directory: string | Buffer): number {
  let names: string[];
  try {
    names = fs.readdirSync(directory, 'latin1').filter(isTemporaryName);
  } catch (error) {
    if (errnoName(error) === 'ENOENT' || errnoName(error) === 'ENOTDIR') return 0;
    throw error;
  }
  const prefix = Buffer.concat([Buffer.from(directory as string), Buffer.from('/')]);
  for (const name of names) fs.rmSync(Buffer.concat([prefix, Buffer.from(name)]), { recursive: true, force: true });
  return names.length;
}
