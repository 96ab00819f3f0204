import fs from 'node:fs';
import { removeTemporaries } from '@homeserver/system';
import { treeIdOf } from '@homeserver/version-control';
import { setDamagedRecordsAside } from '../records/module-records.ts';
import type { ServerPaths } from '../server-paths.ts';
import { ORCHESTRATOR_VERSION } from '../version.ts';
import { removeRelease } from './adopt-release.ts';
import { giveUpUnproven, TRIES_ALLOWED } from './give-up-release.ts';
import { readOrchestratorRecord, writeOrchestratorRecord } from './orchestrator-record.ts';
import { linkedVersion, pointCurrentAt, releaseOf, releasesDirectory, releasesThere } from './releases.ts';

/**
 * Finishes what was cut while a release was adopted or taken back, takes one back that began its last try, and removes what
 * nothing needs any more. Returns what it did, one line each. Needs the lock; idempotent, also when it is cut.
 */
export function recoverReleases(paths: ServerPaths): string[] {
  if (!fs.existsSync(paths.orchestrator) && !fs.existsSync(paths.orchestratorRecord)) return [];
  const said = [...relearn(paths), ...settle(paths)];
  collectReleases(paths);
  return said;
}

/** Without its memory, what `current` points at has to prove itself again. */
function relearn(paths: ServerPaths): string[] {
  const forgotten = setDamagedRecordsAside(paths.orchestratorRecord, readOrchestratorRecord);
  const version = linkedVersion(paths);
  if (version !== undefined && !fs.existsSync(paths.orchestratorRecord)) {
    const tree = treeOf(releaseOf(paths, version).directory);
    const unproven = tree === undefined ? {} : { unproven: { version, tree, tries: 0 } };
    writeOrchestratorRecord(paths.orchestratorRecord, { proven: null, previous: null, ...unproven });
  }
  return forgotten === undefined ? [] : [forgotten];
}

function treeOf(directory: string): string | undefined {
  try {
    return treeIdOf(directory);
  } catch {
    return undefined; // It is not there, or cannot be read: then it cannot be started either.
  }
}

function settle(paths: ServerPaths): string[] {
  const { unproven, ...record } = readOrchestratorRecord(paths.orchestratorRecord);
  const linked = linkedVersion(paths);
  if (unproven === undefined) {
    if (record.proven === null) pointCurrentAt(paths, null);
    // Somebody removed the link: that is how one goes back to the program that is installed.
    else if (linked === undefined) writeOrchestratorRecord(paths.orchestratorRecord, { ...record, proven: null });
    else if (linked !== record.proven) pointCurrentAt(paths, record.proven);
    return [];
  }
  const back = record.proven ?? 'the installed program';
  if (unproven.given_up !== undefined) {
    giveUpUnproven(paths, unproven.given_up);
    return [`taking back orchestrator ${unproven.version}: completed; ${back} is current`];
  }
  if (linked !== unproven.version) {
    writeOrchestratorRecord(paths.orchestratorRecord, record);
    return [`update of the orchestrator to ${unproven.version}: given up before it was current`];
  }
  if (unproven.tries < TRIES_ALLOWED) return [];
  giveUpUnproven(paths, `${unproven.tries} tries did not finish a cycle`);
  return [
    `orchestrator ${unproven.version} did not finish a cycle in ${unproven.tries} tries; ${back} is current again`,
  ];
}

function collectReleases(paths: ServerPaths): void {
  removeTemporaries(paths.orchestrator);
  removeTemporaries(releasesDirectory(paths));
  const { proven, previous, unproven } = readOrchestratorRecord(paths.orchestratorRecord);
  const needed = new Set([proven, previous, unproven?.version, linkedVersion(paths), ORCHESTRATOR_VERSION]);
  for (const version of releasesThere(paths))
    if (!needed.has(version)) removeRelease(releaseOf(paths, version).directory);
}
