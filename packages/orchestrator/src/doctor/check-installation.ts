import { isWithin, runCommand } from '@homeserver/system';
import type { ServerPaths } from '../server-paths.ts';
import { ORCHESTRATOR_VERSION } from '../version.ts';
import { answerOf, runsSystemd } from './ask-program.ts';
import { nearestExisting } from './check-machine.ts';
import { ok, warning, type CheckResult } from './finding.ts';

/** Of the Debian package. */
export const TIMER = 'homeserver-updates.timer';
const PACKAGE = 'homeserver-updates';
const SERVICES = ['homeserver-updates.service', 'homeserver-updates-recover.service'] as const;

/** Something has to start the updater. */
export async function checkTimer(): Promise<CheckResult> {
  if (!runsSystemd())
    return warning('there is no systemd here: nothing starts the updater by itself', 'start "updater run" daily');
  const shown = await answerOf([
    'systemctl',
    'show',
    TIMER,
    '--property=LoadState,UnitFileState,ActiveState,NextElapseUSecRealtime',
  ]);
  const state = Object.fromEntries((shown ?? '').split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2)));
  if (state['LoadState'] !== 'loaded')
    return warning(`there is no ${TIMER}: nothing starts the updater by itself`, `install the package ${PACKAGE}`);
  if (state['ActiveState'] === 'active' && state['UnitFileState'] === 'enabled') {
    return ok(`the next run is due ${state['NextElapseUSecRealtime'] || 'soon'}`);
  }
  const enable = ['systemctl', 'enable', '--now', TIMER] as const;
  return warning(`${TIMER} is ${state['UnitFileState']}, ${state['ActiveState']}`, enable.join(' '), async () => {
    await runCommand(enable, { timeoutMs: 30_000 });
  });
}

/** Its services have the disks of the default directories mounted; of others, only if the owner tells systemd so. */
export async function checkMounts({
  modulesPath,
  stateDir,
  localRepo,
  backupDir,
}: ServerPaths): Promise<CheckResult[]> {
  if (!runsSystemd()) return [];
  const required = await Promise.all(SERVICES.map(requiredBy));
  if (required.some((places) => places.length === 0)) return [];
  const mounts = new Set(await Promise.all([modulesPath, stateDir, localRepo, backupDir].map(mountPointOf)));
  const missing = [...mounts].filter(
    (mount) => !required.every((places) => places.some((one) => isWithin(one, mount))),
  );
  if (missing.length === 0) return [];
  const line = `RequiresMountsFor=${missing.join(' ')}`;
  return [
    warning(
      `the services of the updater do not see to it that ${missing.join(' and ')} is mounted`,
      `systemctl edit ${SERVICES.join(' ')}: write "[Unit]" and, below, "${line}"`,
    ),
  ];
}

/** The places whose disks systemd mounts before it starts a unit; none where there is no such unit. */
async function requiredBy(unit: string): Promise<string[]> {
  const shown = await answerOf(['systemctl', 'show', unit, '--property=RequiresMountsFor', '--value']);
  return (shown ?? '').split(' ').filter(Boolean);
}

async function mountPointOf(place: string): Promise<string> {
  const existing = nearestExisting(place);
  return (await answerOf(['findmnt', '--noheadings', '--output', 'TARGET', '--target', existing])) ?? '/';
}

/** What runs may be newer than what was installed (it updates itself), but not older. */
export async function checkPackage(): Promise<CheckResult> {
  const installed = await answerOf(['dpkg-query', '--show', '--showformat=${Version}', PACKAGE]);
  if (installed === undefined || installed === '') return ok(`version ${ORCHESTRATOR_VERSION}, not from a package`);
  return ok(`version ${ORCHESTRATOR_VERSION}, from package ${PACKAGE} ${installed}`);
}
