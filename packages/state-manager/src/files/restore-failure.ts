import { errnoName, reasonOf, showPath, SystemError, type RawPath } from '@homeserver/system';
import { StateManagerError } from '../errors.ts';

/** What went wrong with one entry. */
export interface Failure {
  path: RawPath;
  error: unknown;
}

const NAMED = 20;

export function isOutOfSpace(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(errnoName(error) ?? '');
}

/** The error of a restore that put back all but these: 'no-space' when nothing but room was missing, else 'io'. */
export function restoreFailed(failures: readonly [Failure, ...Failure[]]): StateManagerError {
  const [first, ...others] = failures;
  const named = others.slice(0, NAMED).map(({ path }) => showPath(path));
  const rest = others.length > NAMED ? [`${others.length - NAMED} others`] : [];
  const more = others.length === 0 ? '' : ` (nor ${others.length} more: ${[...named, ...rest].join(', ')})`;
  const isFull = failures.every(({ error }) => isOutOfSpace(error));
  return new StateManagerError(isFull ? 'no-space' : 'io', `cannot restore ${describeFailure(first)}${more}`, {
    cause: first.error,
    hint: isFull
      ? 'everything else is back; free some space, then restore again: nothing is done twice'
      : 'everything else is back; once the cause is gone, restore again: nothing is done twice',
  });
}

/** One line: the entry, and why. */
export function describeFailure({ path, error }: Failure): string {
  const reason = reasonOf(error);
  return error instanceof SystemError ? reason : `${showPath(path)}: ${reason}`;
}
