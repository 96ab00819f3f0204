import { currentLockHolder, formatLocalTime, hintOfKnown } from '@homeserver/system';
import { OrchestratorError } from './errors.ts';
import { readOwnerChoices } from './records/owner-choices.ts';
import type { Server } from './server.ts';
import { readStatus, type ModuleStatus } from './status.ts';

/**
 * Why a module is as it is, in one sentence: what holds it back, or that nothing does. Throws 'usage' for a name that is
 * neither installed nor remembered. Changes nothing.
 */
export function why(server: Server, name: string): string {
  const { modules, interrupted } = readStatus(server);
  const module = modules.find((one) => one.name === name);
  if (module === undefined) {
    const known = modules.map((one) => one.name);
    throw new OrchestratorError('usage', `there is no module "${name}" here`, {
      hint: hintOfKnown(name, known, 'known'),
    });
  }
  const holder = currentLockHolder(server.paths.lock);
  const who = holder === 'unknown' ? 'another updater' : `pid ${holder?.pid} (${holder?.purpose})`;
  const busy = holder === undefined ? '' : `; ${who} is at work and holds the lock`;
  return `${name} ${reasonFor(module, interrupted, server)}${busy}.`;
}

function whenTried(nextTry: number): string {
  return nextTry <= Date.now() / 1000
    ? 'in the next run'
    : `after ${formatLocalTime(nextTry)}, or now with: updater run --retry`;
}

function reasonFor(module: ModuleStatus, isInterrupted: boolean, server: Server): string {
  const { name, version, hold, failed, problem, enabled, lastRun, unproven, orphaned, notice, notInPlace } = module;
  if (isInterrupted && lastRun?.rollbackFailed !== undefined)
    return `could not be put back (${lastRun.rollbackFailed.join('; ')}): look at that, then: updater recover`;
  const newest = failed.at(-1);
  const failure =
    newest === undefined
      ? undefined
      : newest.nextTry === undefined
        ? `${newest.version} is quarantined since ${formatLocalTime(newest.last_failure)} (${newest.error}), until another version comes or: updater run --retry`
        : `${newest.version} failed (${newest.error}), and is tried again ${whenTried(newest.nextTry)}`;
  if (version === undefined) return `is not installed: ${failure ?? 'no version of it is here'}`;
  if (problem !== undefined) return `${version} cannot be run: ${problem}`;
  if (!enabled) {
    const byOwner = readOwnerChoices(server.paths.ownerChoices)[name]?.enabled === false;
    return byOwner
      ? `${version} is disabled on this server: updater modules enable ${name}`
      : `${version} is disabled by its author: updater modules enable ${name}`;
  }
  if (hold !== undefined) return `is held at ${version} since ${formatLocalTime(hold.since)}: updater unhold ${name}`;
  if (failure !== undefined) return `is at ${version}: ${failure}`;
  if (lastRun?.status === 'skipped' || lastRun?.status === 'failed')
    return `${version} ${lastRun.status === 'failed' ? 'failed' : 'was skipped'} in its last run (${lastRun.error ?? 'no reason was given'})`;
  if (notInPlace.length > 0)
    return `${version} is not all in place: ${notInPlace.map((part) => part.replace(/\.$/, '')).join('; ')}; once that is mended: updater run --retry --module ${name}`;
  if (orphaned)
    return `${version} is not in the repository any more; it is kept and still run, until: updater modules remove ${name}`;
  if (notice !== undefined) return `is at ${version}, and waits for a newer version: ${notice}`;
  if (lastRun === undefined) return `${version} is installed, and waits for its first run`;
  const when = formatLocalTime(lastRun.at);
  return unproven
    ? `${version} is installed, and was not run with success yet`
    : `${version} is up to date, and ran with success on ${when}`;
}
