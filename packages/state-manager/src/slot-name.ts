import { StateManagerError } from './errors.ts';

/** Of modules, slots and operations: it becomes part of a path. */
export const slotName: RegExp = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** Throws 'invalid-name' unless `name` can name a slot: it becomes part of a path. */
export function checkSlotName(name: string): void {
  if (typeof name === 'string' && slotName.test(name)) return;
  throw new StateManagerError('invalid-name', `cannot use ${JSON.stringify(name)} as a backup name`, {
    hint: 'lower-case letters, digits, "-" and "_", at most 64, starting with a letter or digit',
  });
}
