import {
  failedStartEnvironment,
  ORCHESTRATOR_VERSION,
  releasesToStart,
  startRelease,
  type FailedStart,
} from '@homeserver/orchestrator/start';
import { exitCodeOfProcess } from './process-exit-code.ts';
import { readSomeSettings, type GivenFlags } from './settings/read-settings.ts';
import type { SettingName, Settings } from './settings/settings.ts';

const STOPS: ReadonlySet<NodeJS.Signals | undefined> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP']);

/**
 * The front of the installed program: runs the newest proven release in its place, the one before that when it cannot be
 * started, and itself as the last resort. Resolves with the exit code. It loads next to nothing, for it comes before every
 * command.
 */
export async function launch(argv: readonly string[]): Promise<number> {
  const settings = settingsFor(argv);
  let failed: FailedStart | undefined;
  for (const release of settings === undefined ? [] : releasesToStart(settings, ORCHESTRATOR_VERSION)) {
    const end = await startRelease(release, {
      args: argv,
      startWithinMs: (settings as LaunchSettings).releaseTimeout * 1000,
    });
    if (end.started || STOPS.has(end.signal)) return exitCodeOfProcess(end);
    const { version } = release;
    const why = end.notStarted ?? '';
    process.stderr.write(`updater: version ${version} cannot be started: ${why}; the one before it is used\n`);
    failed ??= { version, why };
    Object.assign(process.env, failedStartEnvironment(failed));
  }
  const { main } = await import('./release.ts');
  return main(argv);
}

const looked = { '--config': 'config', '--modules-path': 'modulesPath', '--state-dir': 'stateDir' } as const;

type LaunchSettings = Pick<Settings, 'modulesPath' | 'stateDir' | 'releaseTimeout'>;

/** Where releases are. undefined for settings that are wrong: whoever reads them next says so. */
function settingsFor(argv: readonly string[]): LaunchSettings | undefined {
  const flags: GivenFlags = {};
  for (const [at, argument] of argv.entries()) {
    const [flag = '', ...value] = argument.split('=');
    const name: SettingName | 'config' | undefined = looked[flag as keyof typeof looked];
    const given = value.length > 0 ? value.join('=') : argv[at + 1];
    if (name !== undefined && given !== undefined) flags[name] = given;
  }
  try {
    return readSomeSettings(['modulesPath', 'stateDir', 'releaseTimeout'], flags);
  } catch {
    return undefined;
  }
}
