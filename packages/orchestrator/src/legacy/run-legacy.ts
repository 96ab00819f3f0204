import fs from 'node:fs';
import path from 'node:path';
import { reasonOf } from '@homeserver/system';
import { OrchestratorError } from '../errors.ts';
import { DEFAULT_INDEX } from '../module-index.ts';
import { readOwnerChoices, withOwnerChoices, type OwnerChoices } from '../records/owner-choices.ts';
import type { CycleReport } from '../report/cycle-report.ts';
import type { EnabledModule } from '../run/enabled-modules.ts';
import { notRun } from '../run/module-outcome.ts';
import { runListed, type ListedRun } from '../run-listed.ts';
import type { Server } from '../server.ts';
import type { ServerPaths } from '../server-paths.ts';
import { findInstalledModule } from '../store/installed-modules.ts';
import { installUpdateManager } from '../update-manager.ts';
import { checksumOfDirectory } from './directory-checksum.ts';
import { setInManifest } from './edit-manifest.ts';
import { readManifest, type LegacyManifest, type LegacyUpdate } from './manifest.ts';

/**
 * Runs what manifest.json says: the entrypoint, then its children, each followed by its own, one at a time. What is switched
 * off is left out with its children; what does not match its checksum is not run, and counts as failed; the others go on.
 * `lastApplied` of each success is durable at once. Throws OrchestratorError 'usage' for a manifest that cannot be used,
 * and as `update`; nothing was run then.
 */
export async function runLegacy(
  server: Server,
  options: { waitMs?: number; signal?: AbortSignal } = {},
): Promise<CycleReport> {
  const { paths, logger } = server;
  logger.info('Starting legacy manifest-based updates');
  const report = await runListed(server, { purpose: 'updater run --legacy', ...options }, async (listed, begun) => {
    begun.mode = 'legacy';
    const manifest = readManifest(paths.manifest);
    installUpdateManager(paths);
    const choices = readOwnerChoices(paths.ownerChoices);
    for (const update of updatesInOrder(manifest, choices)) {
      if (isGroup(paths, update)) continue;
      if (options.signal?.aborted)
        listed.note(notRun(update, 'skipped', 'the updater was asked to end before its turn'));
      else await runUpdate(paths, update, choices, listed);
    }
  });
  const succeeded = report.outcomes.filter(({ status }) => status === 'succeeded').length;
  const failed = report.outcomes.filter(({ status }) => status === 'failed').map(({ name }) => name);
  logger.info(`Module execution completed: ${succeeded} successful, ${failed.length} failed`);
  logger.info(report.stopped ? 'Legacy updates stopped at a safe point:' : 'Legacy updates completed:');
  logger.info(`  - Enabled updates found: ${report.outcomes.length}`);
  logger.info(`  - Successfully executed: ${succeeded}`);
  if (failed.length > 0) logger.info(`  - Failed: ${failed.join(', ')}`);
  return report;
}

/** From the entrypoint on; each update once, and nothing below one that is switched off. */
function updatesInOrder({ updates, entrypoint }: LegacyManifest, choices: OwnerChoices): LegacyUpdate[] {
  const order = new Set<LegacyUpdate>();
  const visit = (name: string): void => {
    const update = updates.get(name);
    if (update === undefined || order.has(update)) return;
    if (!(choices[update.module ?? name]?.enabled ?? update.enabled)) return;
    order.add(update);
    for (const child of update.children) visit(child);
  };
  visit(entrypoint);
  return [...order];
}

/** Only a name for its children: nothing of its own is there to run. */
function isGroup(paths: ServerPaths, { name, module, children }: LegacyUpdate): boolean {
  return children.length > 0 && module === undefined && !fs.existsSync(path.join(paths.modules, name));
}

async function runUpdate(
  paths: ServerPaths,
  update: LegacyUpdate,
  choices: OwnerChoices,
  listed: ListedRun,
): Promise<void> {
  let module: EnabledModule;
  try {
    module = moduleOf(paths, update, choices);
  } catch (error) {
    listed.note(notRun(update, 'failed', reasonOf(error)));
    return;
  }
  const outcome = await listed.run(module, update.name);
  if (outcome.status !== 'succeeded') return;
  try {
    setInManifest(paths.manifest, update.name, { lastApplied: Math.floor(Date.now() / 1000) });
  } catch (error) {
    listed.fail(outcome, `it ran, but that cannot be noted in manifest.json: ${reasonOf(error)}`);
  }
}

/** Its directory as the manifest knows it; throws with the reason when it is not. */
function moduleOf(paths: ServerPaths, update: LegacyUpdate, choices: OwnerChoices): EnabledModule {
  const { name, version, checksum, args } = update;
  const here = findInstalledModule(paths, update.module ?? name);
  if (here === undefined) throw refuse(`modules/${update.module ?? name} does not exist`);
  if (checksum === undefined) throw refuse('manifest.json has no checksum for it');
  const found = checksumOfDirectory(here.directory);
  if (found !== checksum) throw refuse(`its checksum is ${found}, and manifest.json says ${checksum}`);
  const hasIndex = fs.existsSync(path.join(here.directory, 'index.json'));
  if (hasIndex && !here.index.ok) throw refuse(here.index.problem);
  const reading = here.index.ok ? here.index : { ok: true as const, index: DEFAULT_INDEX };
  const [chosen] = withOwnerChoices([{ ...here, index: reading }], choices);
  const index = chosen?.index.ok ? chosen.index.index : reading.index;
  return {
    name: here.name,
    version: here.version ?? version,
    directory: here.directory,
    index,
    args,
    priority: 0,
    dependencies: [],
  };
}

function refuse(why: string): OrchestratorError {
  return new OrchestratorError('usage', why);
}
