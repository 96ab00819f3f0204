import { didYouMean, nearestId } from '@homeserver/system';
import { StateManagerError } from './errors.ts';

/** What is looked for, in words. */
export interface Sought {
  /** "snapshot", "backup of app". */
  noun: string;
  place: string;
  /** The command that lists them. */
  list: string;
}

/**
 * The one id that is `prefix` or begins so. Throws 'invalid-request' for what cannot begin an id, and for several (they are
 * named in the hint); 'no-backup' for none.
 */
export function findByPrefix(ids: readonly string[], prefix: string, { noun, place, list }: Sought): string {
  if (typeof prefix !== 'string' || !/^[0-9a-f]{1,12}$/.test(prefix)) {
    throw new StateManagerError('invalid-request', `${JSON.stringify(prefix)} cannot be the id of a ${noun}`, {
      hint: `up to 12 digits from 0 to 9 and a to f, as "${list}" shows them`,
    });
  }
  const [found, ...others] = ids.filter((id) => id.startsWith(prefix));
  if (found === undefined) {
    const hint = `${didYouMean(nearestId(prefix, ids))}see: ${list}`;
    throw new StateManagerError('no-backup', `there is no ${noun} ${prefix} in ${place}`, { hint });
  }
  if (others.length === 0) return found;
  throw new StateManagerError('invalid-request', `"${prefix}" is the beginning of ${others.length + 1} ids`, {
    hint: `give more of it: ${[found, ...others].join(', ')}`,
  });
}
