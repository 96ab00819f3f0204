import path from 'node:path';
import {
  errnoName,
  isWithin,
  makeDirectoryDurably,
  readFileText,
  removeFileDurably,
  writeJsonDurably,
  type RawPath,
} from '@homeserver/system';
import { z } from 'zod';
import type { RestoreContext } from '../state-source.ts';
import { isUp, nameOf, wantedActivity, type ComparedUnit } from './compare-unit.ts';

/**
 * services-pending.json: what is still to be done once the files are back, so that units and systemd itself work with them
 * and not with what they have read before. On the disk before anything is touched, and gone after a complete restore.
 */
export interface PendingRenewal {
  format: 1;
  daemon_reload: boolean;
  /** Units that were started since the capture, and so read what the change wrote. */
  restart: string[];
  /** Units that run since before the capture, and can read their configuration again. */
  reload: string[];
}

const pendingSchema: z.ZodType<PendingRenewal> = z.strictObject({
  format: z.literal(1),
  daemon_reload: z.boolean(),
  restart: z.array(z.string()),
  reload: z.array(z.string()),
});

/** Where unit files are; systemd also makes units of the scripts in /etc/init.d. */
const UNIT_PLACES = ['/etc/systemd', '/run/systemd', '/usr/lib/systemd', '/usr/local/lib/systemd', '/etc/init.d'];

/** What a restore that changes `touched` asks for. A socket or a timer keeps nothing in memory but its unit file. */
export function renewalAfter(touched: readonly RawPath[], units: readonly ComparedUnit[]): PendingRenewal {
  const running = units.filter(
    (unit) =>
      touched.length > 0 &&
      unit.recorded.unit.endsWith('.service') &&
      wantedActivity(unit) === 'running' &&
      isUp(unit.present.activeState),
  );
  return {
    format: 1,
    daemon_reload: touched.some((file) => UNIT_PLACES.some((place) => isWithin(file, place))),
    restart: running.filter(isNew).map(nameOf),
    reload: running.filter((unit) => !isNew(unit) && unit.present.canReload).map(nameOf),
  };
}

function isNew({ recorded, present }: ComparedUnit): boolean {
  return recorded.invocation_id !== present.invocationId;
}

/** Where a restore notes that: beside the backup's record, or elsewhere when that is on a read-only medium. */
export function notesIn({ directory, notes }: Pick<RestoreContext, 'directory' | 'notes'>): string {
  return notes ?? directory;
}

/** Adds to what a restore that was cut has left to do. */
export function notePending(directory: string, more: Partial<PendingRenewal>): void {
  const before = readPending(directory);
  const all: PendingRenewal = {
    format: 1,
    daemon_reload: before.daemon_reload || more.daemon_reload === true,
    restart: [...new Set([...before.restart, ...(more.restart ?? [])])],
    reload: [...new Set([...before.reload, ...(more.reload ?? [])])],
  };
  if (!all.daemon_reload && all.restart.length + all.reload.length === 0) return;
  makeDirectoryDurably(directory, { mode: 0o700 });
  writeJsonDurably(fileIn(directory), all);
}

/** Nothing, when there is no note; one that cannot be read asks for the least that is safe. */
export function readPending(directory: string): PendingRenewal {
  try {
    return pendingSchema.parse(JSON.parse(readFileText(fileIn(directory), { followLink: false })));
  } catch (error) {
    return { format: 1, daemon_reload: errnoName(error) !== 'ENOENT', restart: [], reload: [] };
  }
}

export function clearPending(directory: string): void {
  removeFileDurably(fileIn(directory));
}

function fileIn(directory: string): string {
  return path.join(directory, 'services-pending.json');
}
