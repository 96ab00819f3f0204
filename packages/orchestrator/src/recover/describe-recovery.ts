import path from 'node:path';
import { adviceToGiveUp, type RecoveryReport } from '@homeserver/state-manager';
import { isWithin } from '@homeserver/system';

type Undone = RecoveryReport['found'][number];

const SHOWN_PLACES = 2;

/** What was put back and what could not be, one line each, for people. */
export function describeRecovery({ found, damaged }: RecoveryReport): { reverted: string[]; rollbackFailed: string[] } {
  return {
    reverted: found.filter((one) => one.outcome === 'restored').map(describeRestored),
    rollbackFailed: [
      ...found.filter((one) => one.outcome === 'failed').map((one) => `${one.slot}: ${one.error ?? 'unknown'}`),
      ...damaged.map(({ file, why }) => `${file} cannot be read: ${why}`),
    ],
  };
}

/** What a person can type where no recovery will ever succeed, one line each. */
export function adviceAfter({ found, damaged }: RecoveryReport): string[] {
  return [...found, ...damaged].flatMap(({ giveUp }) => (giveUp === undefined ? [] : adviceToGiveUp(giveUp)));
}

function describeRestored({ slot, kind, report, wasBegun }: Undone): string {
  if (wasBegun) return `${slot}: what was begun during the boot is complete`;
  if (kind === 'snapshot') return `snapshot ${slot}: its restore was completed`;
  if (kind === 'rollback') return `${slot}: the rollback of its operations was completed`;
  if (kind === 'restore') return `${slot}: the restore of its backup was completed`;
  const entries = (report?.restored.length ?? 0) + (report?.adjusted.length ?? 0);
  const places = report?.displaced ?? [];
  if (entries === 0 && places.length === 0) return `${slot}: nothing had been changed yet`;
  const kept = places.length === 0 ? '' : `; ${describeDisplaced(places)}`;
  return `${slot}: ${entries} ${entries === 1 ? 'entry' : 'entries'} put back${kept}`;
}

/** Where they are now, in one line: a path, or the directory that holds them all and the first of their names in it. */
export function describeDisplaced(places: readonly { to: string }[]): string {
  const [first = '', ...others] = places.map(({ to }) => to);
  if (others.length === 0) return `what was in the way is kept: ${first}`;
  const directory = others.reduce(commonDirectory, path.dirname(first));
  const names = [first, ...others].slice(0, SHOWN_PLACES).map((place) => path.relative(directory, place));
  const more = places.length > SHOWN_PLACES ? ` and ${places.length - SHOWN_PLACES} more` : '';
  return `what was in the way is kept in ${directory}: ${names.join(', ')}${more}`;
}

function commonDirectory(directory: string, place: string): string {
  return isWithin(place, directory) ? directory : commonDirectory(path.dirname(directory), place);
}
