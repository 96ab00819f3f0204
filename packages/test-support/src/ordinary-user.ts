const NOBODY = '65534';

/** The command as a user without rights would run it: as it is, or behind setpriv when the tests run as root. */
export function asOrdinaryUser(argv: readonly [string, ...string[]]): [string, ...string[]] {
  if (process.getuid?.() !== 0) return [...argv];
  return ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', ...argv];
}
