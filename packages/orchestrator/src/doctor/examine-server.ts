import { CodedError, reasonOf } from '@homeserver/system';
import type { Server } from '../server.ts';
import type { RepositorySettings } from '../sync/sync-repository.ts';
import { underLock } from '../under-lock.ts';
import { checkMounts, checkPackage, checkTimer } from './check-installation.ts';
import { checkClock, checkDisk, checkPlaces } from './check-machine.ts';
import { checkGit, checkOpenssh, checkTrust } from './check-programs.ts';
import { checkBackups, checkIndex, checkJournal, checkLock, checkMirror } from './check-records.ts';
import { error, type CheckName, type CheckResult, type Finding } from './finding.ts';

type Results = CheckResult | CheckResult[];

const checks: Readonly<
  Record<CheckName, (server: Server, repository: RepositorySettings) => Results | Promise<Results>>
> = {
  paths: ({ paths }) => checkPlaces(paths),
  disk: ({ paths }) => checkDisk(paths),
  clock: ({ paths }) => checkClock(paths),
  git: () => checkGit(),
  openssh: (_, repository) => checkOpenssh(repository),
  trust: (_, repository) => checkTrust(repository),
  lock: ({ paths }) => checkLock(paths),
  journal: (server) => checkJournal(server),
  mirror: ({ paths }) => checkMirror(paths),
  index: ({ paths }) => checkIndex(paths),
  backups: (server) => checkBackups(server),
  timer: async ({ paths }) => [await checkTimer(), ...(await checkMounts(paths))],
  package: () => checkPackage(),
};

/**
 * Looks at everything that updates, and the way back from one, depend on. Takes no lock and changes nothing; a check that
 * cannot be made (no right to read) is an error of its own.
 */
export async function examineServer(server: Server, repository: RepositorySettings): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const check of Object.keys(checks) as CheckName[]) {
    for (const result of await resultsOf(() => checks[check](server, repository))) findings.push({ check, ...result });
  }
  return findings;
}

async function resultsOf(look: () => Results | Promise<Results>): Promise<CheckResult[]> {
  try {
    return [await look()].flat();
  } catch (cause) {
    const hint = cause instanceof CodedError ? cause.hint : undefined;
    return [error(`cannot look: ${reasonOf(cause)}`, hint ?? 'run it as root')];
  }
}

/**
 * Mends what is safe to mend (interrupted changes, index.json, the mode of the backup directory, the timer), under the lock,
 * and looks again. Throws as `underLock`.
 */
export async function mendServer(server: Server, repository: RepositorySettings): Promise<Finding[]> {
  const found = await examineServer(server, repository);
  const fixes = found.flatMap(({ fix }) => fix ?? []);
  if (fixes.length === 0) return found;
  await underLock(server, { purpose: 'updater doctor' }, async () => {
    for (const fix of fixes) await fix();
  });
  return examineServer(server, repository);
}
