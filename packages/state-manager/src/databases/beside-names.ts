import { createHash, randomBytes } from 'node:crypto';

/*
 * Databases of ours beside a live one. Their names hold a hash of the whole name of the live one, so that they fit its server's
 * limit (63 bytes) and belong to it alone.
 */

/** Where a fresh dump is proven. Only one at a time; whatever has this name may be dropped. */
export function scratchName(database: string): string {
  return `hs_scratch_${keyOf(database)}`;
}

/** Where a restore loads what will become the live database. Whatever has this name may be dropped. */
export function incomingName(database: string): string {
  return `${beginning(database)}_hs_new_${keyOf(database)}`;
}

/** Under which the replaced database waits until it is written to `displaced`. It must not be dropped before. */
export function outgoingName(database: string): string {
  return `${beginning(database)}_hs_old_${keyOf(database)}_${randomBytes(4).toString('hex')}`;
}

export function isOutgoing(name: string, database: string): boolean {
  return /^[0-9a-f]{8}$/.test(name.slice(outgoingPrefix(database).length)) && name.startsWith(outgoingPrefix(database));
}

function outgoingPrefix(database: string): string {
  return `${beginning(database)}_hs_old_${keyOf(database)}_`;
}

function keyOf(database: string): string {
  return createHash('sha256').update(database).digest('hex').slice(0, 12);
}

/** As many whole characters as fit into 32 bytes. */
function beginning(database: string): string {
  let start = '';
  for (const character of database) {
    if (Buffer.byteLength(start + character) > 32) break;
    start += character;
  }
  return start;
}
