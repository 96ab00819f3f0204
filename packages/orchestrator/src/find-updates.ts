import { hintOfKnown } from '@homeserver/system';
import { detectUpdates, type Detection } from './detect/detect-updates.ts';
import type { RepositoryContent } from './detect/read-repository.ts';
import { OrchestratorError } from './errors.ts';
import { makeModulesPath } from './lock-server.ts';
import { readModuleRecords } from './records/module-records.ts';
import { announce } from './report/announce.ts';
import type { CycleReport } from './report/cycle-report.ts';
import { timed } from './report/phases.ts';
import { detectRelease, type ReleaseDetection, type ReleaseDetectionInput } from './self-update/detect-release.ts';
import { readOrchestratorRecord } from './self-update/orchestrator-record.ts';
import type { Server } from './server.ts';
import { installedModules } from './store/installed-modules.ts';
import { syncRepository, type SyncedRepository } from './sync/sync-repository.ts';
import { writeAcceptedTip } from './trust/accepted-tips.ts';
import { DEFAULT_TRUST } from './trust/trust-settings.ts';
import type { UpdateOptions } from './update-options.ts';
import { installUpdateManager } from './update-manager.ts';
import { ORCHESTRATOR_VERSION } from './version.ts';

/** Syncs, and finds out what a cycle has to replace; from then on only what descends from that commit is accepted. */
export async function findUpdates(
  server: Server,
  options: UpdateOptions,
  report: CycleReport,
): Promise<SyncedRepository> {
  const synced = await timed(server, report.phases, 'sync', () => sync(server, options));
  report.commit = synced.tip.commit;
  makeModulesPath(server.paths);
  installUpdateManager(server.paths);
  const { updates, notices, release } = detect(server, options, synced);
  acceptTip(server, options, synced);
  Object.assign(report, { updates, notices });
  noteRelease(report, release);
  announce(server, report, release);
  return synced;
}

function noteRelease({ orchestrator }: CycleReport, { update: found, notice }: ReleaseDetection): void {
  if (found !== undefined) orchestrator.update = found;
  if (notice?.isProblem) orchestrator.problems.push(notice.text);
}

/** From now on, only what descends from this commit is accepted. */
function acceptTip({ paths }: Server, { repository }: UpdateOptions, { tip }: SyncedRepository): void {
  if (repository === undefined) return;
  const at = Math.floor(Date.now() / 1000);
  writeAcceptedTip(paths.acceptedTips, repository.url, repository.branch, { commit: tip.commit, at });
}

/** Brings the mirror up to date, as a cycle does first. */
export async function sync(server: Server, options: UpdateOptions): Promise<SyncedRepository> {
  const { repository } = options;
  if (repository === undefined || (repository.url === '' && repository.bundle === undefined)) {
    throw new OrchestratorError('usage', 'no repository is set', {
      hint: 'give --repo-url URL, set UPDATER_REPO_URL, or put "repoUrl" into the settings file',
    });
  }
  const { logger, paths } = server;
  const synced = await syncRepository(paths, repository, {
    logger,
    onProgress: (progress) => server.onEvent({ type: 'fetch', ...progress }),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  const { tip, fetched, received } = synced;
  server.onEvent({ type: 'synced', commit: tip.commit, fetched, ...(received && { received }) });
  return synced;
}

/** What the repository has for the modules, and for the orchestrator. */
export type CycleDetection = Detection & { release: ReleaseDetection };

/** What a cycle with these options would replace. */
export function detect(server: Server, options: UpdateOptions, { content }: SyncedRepository): CycleDetection {
  const installed = installedModules(server.paths);
  const broken = content.problems.map(({ name }) => name);
  refuseUnknown(
    [...(options.modules ?? []), ...(options.allowDowngrade ?? [])],
    [...installed.keys(), ...content.modules.keys(), ...broken],
  );
  const rules = {
    retry: options.retry ?? false,
    maxMajorJump: (options.repository?.trust ?? DEFAULT_TRUST).maxMajorJump,
    now: Math.floor(Date.now() / 1000),
  };
  const detection = detectUpdates({
    repository: content,
    installed,
    records: readModuleRecords(server.paths.moduleRecords),
    allowDowngrade: options.allowDowngrade ?? [],
    ...rules,
  });
  const isWanted = ({ name }: { name: string }): boolean => options.modules?.includes(name) ?? true;
  return {
    ...detection,
    updates: detection.updates.filter(isWanted),
    // That one left the repository is remembered by the record of this run, whichever modules were asked for.
    notices: detection.notices.filter((notice) => notice.kind === 'orphaned' || isWanted(notice)),
    release: options.modules === undefined ? detectOwnRelease(server, content, rules) : {},
  };
}

function detectOwnRelease(
  { paths }: Server,
  { release }: RepositoryContent,
  rules: Pick<ReleaseDetectionInput, 'retry' | 'maxMajorJump' | 'now'>,
): ReleaseDetection {
  if (release === undefined) return {};
  const record = readOrchestratorRecord(paths.orchestratorRecord);
  return detectRelease({ release, running: ORCHESTRATOR_VERSION, record, ...rules });
}

/** A name that was mistyped must not look like a module with nothing to do. */
export function refuseUnknown(asked: readonly string[] | undefined, known: readonly string[]): void {
  const unknown = asked?.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new OrchestratorError('usage', `there is no module ${JSON.stringify(unknown)}`, {
    hint: hintOfKnown(unknown, known),
  });
}
