import fs from 'node:fs';
import { readFileText, writeFileDurably } from '@homeserver/system';
import type { ServerPaths } from './server-paths.ts';

const MARK = '# Written by the program "updater", which is what it starts; changes to this file are lost.';

/** updateManager.sh: the spec's front to the updater, for the server folder that it lies in. POSIX sh. */
const SCRIPT = `#!/bin/sh
${MARK}
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
program=\${UPDATER_PROGRAM:-updater}

for argument in "$@"; do
  case $argument in
    -h | --help)
      cat <<TEXT
Usage: updateManager.sh [--check | --legacy] [flags of "updater run"]

  (no flag)   update the modules, then run every enabled one
  --check     say what there is to update, and change nothing; exit code 10 if anything
  --legacy    run what manifest.json says
  --help      show this text

It works on $here. The exit codes and all other flags are those of the program: updater run --help
TEXT
      exit 0
      ;;
  esac
done

if ! command -v "$program" >/dev/null 2>&1; then
  echo "updateManager.sh: the program $program was not found; is it installed? UPDATER_PROGRAM=/path/to/updater names it" >&2
  exit 2
fi
exec "$program" run --modules-path "$here" "$@"
`;

/** Puts updateManager.sh in its place; one that is somebody else's is kept beside it as updateManager.sh.backup. */
export function installUpdateManager({ updateManager }: Pick<ServerPaths, 'updateManager'>): void {
  const present = fs.existsSync(updateManager) ? readFileText(updateManager) : undefined;
  if (present === SCRIPT) return;
  const backup = `${updateManager}.backup`;
  if (present !== undefined && !present.includes(MARK) && !fs.existsSync(backup))
    fs.copyFileSync(updateManager, backup);
  writeFileDurably(updateManager, SCRIPT, { mode: 0o755 });
}
