import fs from 'node:fs';
import path from 'node:path';
import { checkConfiguredPath, errnoName, freeSpace, SystemError } from '@homeserver/system';
import { readRunRecords } from '../report/run-record.ts';
import type { ServerPaths } from '../server-paths.ts';
import { error, ok, warning, type CheckResult } from './finding.ts';
import { answerOf, runsSystemd } from './ask-program.ts';

const MIB = 1024 * 1024;
const LITTLE_BYTES = 1024 * MIB;
const LOOK_BACK_RUNS = 20;
const TOO_LITTLE_BYTES = 100 * MIB;

/** Nobody else may be able to prepare or exchange what the updater reads and writes; nobody else may look into backups. */
export function checkPlaces({ modulesPath, stateDir, localRepo, backupDir }: ServerPaths): CheckResult[] {
  const results = [modulesPath, stateDir, localRepo, backupDir].flatMap((place): CheckResult[] => {
    try {
      checkConfiguredPath(place);
      return [];
    } catch (cause) {
      if (!(cause instanceof SystemError)) throw cause;
      return [error(cause.message, cause.hint ?? `look at ${place}`)];
    }
  });
  for (const place of [modulesPath, stateDir, backupDir])
    if (isReadOnly(place))
      results.push(
        error(
          `${place} is on a file system that is mounted read-only`,
          'mount it for writing: mount -o remount,rw DIR',
        ),
      );
  const mode = fs.statSync(backupDir, { throwIfNoEntry: false })?.mode ?? 0o700;
  if (results.length === 0 && (mode & 0o077) !== 0) {
    const fix = (): void => fs.chmodSync(backupDir, 0o700);
    results.push(error(`${backupDir} is open to others: its backups hold secrets`, `chmod 700 ${backupDir}`, fix));
  }
  return results.length > 0 ? results : [ok('the directories belong to root or to you alone')];
}

function isReadOnly(place: string): boolean {
  try {
    fs.accessSync(place, fs.constants.W_OK);
    return false;
  } catch (cause) {
    return errnoName(cause) === 'EROFS';
  }
}

/** Room for a backup before each change. */
export function checkDisk({ modulesPath, stateDir, backupDir }: ServerPaths): CheckResult[] {
  const results = [modulesPath, stateDir, backupDir].flatMap((place): CheckResult[] => {
    const bytes = freeSpace(nearestExisting(place));
    if (bytes >= LITTLE_BYTES) return [];
    const message = `${Math.floor(bytes / MIB)} MiB are free for ${place}`;
    const mend = `see what takes the room: du -xh --max-depth=2 ${nearestExisting(place)}`;
    return [bytes < TOO_LITTLE_BYTES ? error(message, mend) : warning(message, mend)];
  });
  return results.length > 0 ? results : [ok('more than 1 GiB is free wherever the updater writes')];
}

export function nearestExisting(place: string): string {
  return fs.existsSync(place) ? place : nearestExisting(path.dirname(place));
}

/** Retries, quarantine and the age of the repository are told by the clock. */
export async function checkClock(paths: ServerPaths): Promise<CheckResult> {
  const now = Date.now() / 1000;
  const [last, ...before] = readRunRecords(paths, LOOK_BACK_RUNS);
  const synchronized = runsSystemd()
    ? await answerOf(['timedatectl', 'show', '--property=NTPSynchronized', '--value'])
    : undefined;
  if (last !== undefined && last.ended > now + 60) {
    const [then, here] = [last.ended, now].map((at) => new Date(at * 1000).toISOString().slice(0, 16));
    const message = `the clock says ${here}, but the last run ended at ${then} (UTC)`;
    const isPlausible = synchronized === 'yes' || (synchronized !== 'no' && before.some(({ ended }) => ended <= now));
    return isPlausible
      ? warning(`${message}: it was wrong then`, 'nothing, if it is right now: the next run is recorded by it')
      : error(message, 'timedatectl set-ntp true');
  }
  return synchronized === 'no'
    ? warning('nothing keeps the clock right', 'timedatectl set-ntp true')
    : ok('the clock is later than the last run');
}
