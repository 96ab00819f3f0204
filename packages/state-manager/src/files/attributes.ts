import { errnoName, readAttributes, reasonOf, removeAttribute, setAttribute } from '@homeserver/system';

/** Extended attributes of an entry: name (its bytes as latin1) to value (base64). None is `undefined`, not `{}`. */
export type AttributeRecord = Readonly<Record<string, string>>;

const CAPABILITY = 'security.capability';
const acls = new Set(['system.posix_acl_access', 'system.posix_acl_default']);

/**
 * What we record and restore: all but `system.*` other than the POSIX ACLs, which a file system shows but does not store as
 * such (NFS, CIFS), and `security.evm`, which the kernel computes from the inode itself: another inode needs another.
 */
function isOurs(name: string): boolean {
  return name.startsWith('system.') ? acls.has(name) : name !== 'security.evm';
}

/** The labels that security modules give to every file by themselves: put back when recorded, never taken away. */
function isLabel(name: string): boolean {
  return name.startsWith('security.') && name !== CAPABILITY;
}

/** What an entry (by its path, a symlink itself; or by any descriptor) has of these. */
export function attributesOf(entry: string | Buffer | number): AttributeRecord | undefined {
  const found = readAttributes(entry);
  if (found.size === 0) return undefined;
  const ours = [...found].filter(([name]) => isOurs(name));
  if (ours.length === 0) return undefined;
  ours.sort(([a], [b]) => (a < b ? -1 : 1)); // The order in which the kernel lists them says nothing.
  return Object.fromEntries(ours.map(([name, value]) => [name, value.toString('base64')]));
}

/** Whether only root can give these to a file. */
export function needRoot(attributes: AttributeRecord): boolean {
  return CAPABILITY in attributes;
}

export function sameAttributes(is: AttributeRecord | undefined, wanted: AttributeRecord | undefined): boolean {
  if (is === wanted) return true;
  return surplusIn(is, wanted).length === 0 && missingIn(is, wanted).length === 0;
}

function surplusIn(is: AttributeRecord = {}, wanted: AttributeRecord = {}): string[] {
  return Object.keys(is).filter((name) => !(name in wanted) && !isLabel(name));
}

function missingIn(is: AttributeRecord = {}, wanted: AttributeRecord = {}): [name: string, value: string][] {
  return Object.entries(wanted).filter(([name, value]) => is[name] !== value);
}

/** Errors that say "not here" or "not you", and not that something broke. */
const refusals = new Set(['ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'EACCES', 'EINVAL', 'E2BIG', 'ERANGE']);

/**
 * Gives an entry exactly the wanted attributes: after chown, which drops capabilities. ACLs come last: with one that leaves its
 * owner no rights, an ordinary user could give it nothing else. Returns one line for each that the file system or the kernel
 * refuses.
 */
export function applyAttributes(entry: string | Buffer | number, wanted: AttributeRecord | undefined): string[] {
  const is = attributesOf(entry);
  const refused: string[] = [];
  const attempt = (name: string, act: () => void): void => {
    try {
      act();
    } catch (error) {
      if (!refusals.has(errnoName(error) ?? '')) throw error;
      refused.push(`the attribute ${name} was refused: ${reasonOf(error)}`);
    }
  };
  for (const name of surplusIn(is, wanted)) attempt(name, () => removeAttribute(entry, name));
  const missing = missingIn(is, wanted).sort(([a], [b]) => Number(acls.has(a)) - Number(acls.has(b)));
  for (const [name, value] of missing) attempt(name, () => setAttribute(entry, name, Buffer.from(value, 'base64')));
  return refused;
}

/** Dresses a copy for people who put it back by hand. Capabilities never, like setuid; what is refused stays in the record. */
export function dressWithAttributes(copy: string | Buffer | number, attributes: AttributeRecord | undefined): void {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name === CAPABILITY) continue;
    try {
      setAttribute(copy, name, Buffer.from(value, 'base64'));
    } catch {
      // See above.
    }
  }
}
