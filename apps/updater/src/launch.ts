import {
  failedStartEnvironment,
  noteDeath,
  ORCHESTRATOR_VERSION,
  releasesToStart,
  startRelease,
  whyNotToStart,
  type FailedStart,
} from '@homeserver/orchestrator/start';
import type { SuccessorEnd } from '@homeserver/system';
import { exitCodeOfProcess } from './process-exit-code.ts';
import { readSomeSettings, type GivenFlags } from './settings/read-settings.ts';
import type { SettingName, Settings } from './settings/settings.ts';

const STOPS: ReadonlySet<NodeJS.Signals | undefined> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP']);

/**
 * The front of the installed program: runs the newest proven release in its place, the one before that when it cannot be
 * started or has died in run after run, and itself as the last resort. Resolves with the exit code. It loads next to nothing, for it comes before every
 * command.
 */
export async function launch(argv: readonly string[]): Promise<number> {
  const settings = settingsFor(argv);
  let failed: FailedStart | undefined;
  for (const release of settings === undefined ? [] : releasesToStart(settings, ORCHESTRATOR_VERSION)) {
    const { version } = release;
    const { stateDir, releaseTimeout } = settings as LaunchSettings;
    let why = whyNotToStart(stateDir, version);
    if (why === undefined) {
      const end = await startRelease(release, { args: argv, startWithinMs: releaseTimeout * 1000 });
      if (end.started && isRun(argv) && isDeath(end)) noteDeath(stateDir, version);
      if (end.started || STOPS.has(end.signal)) return exitCodeOfProcess(end);
      why = end.notStarted ?? '';
    }
    process.stderr.write(`updater: version ${version} is not started: ${why}; the one before it is used\n`);
    failed ??= { version, why };
    Object.assign(process.env, failedStartEnvironment(failed));
  }
  const { main } = await import('./release.ts');
  return main(argv);
}

/** Of all commands, the one that comes every day and must not fail every day. */
function isRun(argv: readonly string[]): boolean {
  return argv.length === 0 || argv.includes('run');
}

/** Exit code 1 is what a bug ends with. */
function isDeath({ exitCode, signal }: SuccessorEnd): boolean {
  return signal === undefined ? exitCode === 1 : !STOPS.has(signal);
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
