import type { ModuleNotice } from '../detect/detect-updates.ts';
import type { ReleaseDetection } from '../self-update/detect-release.ts';
import type { Server } from '../server.ts';
import type { CycleReport } from './cycle-report.ts';

/** Says how much there is to update, and what becomes of the orchestrator. */
export function announce(
  { logger }: Server,
  { updates }: CycleReport,
  { update: own, notice }: ReleaseDetection,
): void {
  logger.info(
    `Schema updates needed: ${updates.length} modules, orchestrator: ${own === undefined ? 'False' : 'True'}`,
  );
  if (own !== undefined) logger.info(`Orchestrator needs update: ${own.fromVersion} → ${own.toVersion}`);
  if (notice !== undefined) logger[notice.isProblem ? 'error' : 'warn'](notice.text);
}

/** Says of each module what becomes of it. */
export function announceModules({ logger }: Server, { updates, notices }: CycleReport): void {
  for (const { name, fromVersion, toVersion, unknownKeys, damage } of updates) {
    if (damage !== undefined) logger.warn(`Module ${name} ${toVersion} is damaged, and installed again: ${damage}`);
    else logger.info(`Module ${name} needs update: ${fromVersion ?? 'not installed'} → ${toVersion}`);
    for (const key of unknownKeys) logger.warn(`modules/${name}/index.json: ${key}: is not known here; it is kept`);
  }
  for (const { kind, text } of notices) logger[levelOf[kind]](text);
}

const levelOf: Readonly<Record<ModuleNotice['kind'], 'info' | 'warn' | 'error'>> = {
  problem: 'error',
  refused: 'error',
  orphaned: 'info',
  held: 'info',
  older: 'warn',
  withheld: 'warn',
  'same-version': 'warn',
};
