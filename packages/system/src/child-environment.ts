/** Every process of a run carries the run's id under this name, so that recovery can find the ones that outlived it. */
export const RUN_MARKER = 'HOMESERVER_UPDATES_RUN';

const kept = ['HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'TERM', RUN_MARKER] as const;
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The environment for a child: a short list of harmless names and PATH (only its absolute parts), plus `extra`. What could
 * steer a child from outside (GIT_*, NODE_OPTIONS, LD_*, PG*, secrets) does not get through.
 */
export function childEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const absolute = (process.env['PATH'] ?? '').split(':').filter((part) => part.startsWith('/'));
  const environment: Record<string, string> = { PATH: absolute.join(':') || defaultPath };
  for (const name of kept) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return { ...environment, ...extra };
}
