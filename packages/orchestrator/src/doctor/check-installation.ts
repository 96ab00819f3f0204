import { runCommand } from '@homeserver/system';
import { ORCHESTRATOR_VERSION } from '../version.ts';
import { answerOf, runsSystemd } from './ask-program.ts';
import { ok, warning, type CheckResult } from './finding.ts';

/** Of the Debian package. */
export const TIMER = 'homeserver-updates.timer';
const PACKAGE = 'homeserver-updates';

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

/** What runs may be newer than what was installed (it updates itself), but not older. */
export async function checkPackage(): Promise<CheckResult> {
  const installed = await answerOf(['dpkg-query', '--show', '--showformat=${Version}', PACKAGE]);
  if (installed === undefined || installed === '') return ok(`version ${ORCHESTRATOR_VERSION}, not from a package`);
  return ok(`version ${ORCHESTRATOR_VERSION}, from package ${PACKAGE} ${installed}`);
}
