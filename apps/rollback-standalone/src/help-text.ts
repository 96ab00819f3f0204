import { DEFAULT_BACKUP_DIR } from '@homeserver/state-manager';

export const HELP: string = `rollback-standalone: brings back the last good state when all else is broken

  rollback-standalone --list-backups            what could be put back
  rollback-standalone --recover                 finish what a crash interrupted
  rollback-standalone --verify [MODULE]         re-read every backup, or one, and name what is damaged
  rollback-standalone --restore-backup MODULE   put back what a module's backup holds (--id ID: an older one)
  rollback-standalone --list-snapshots          snapshots that were taken by hand or before a hotfix
  rollback-standalone --restore-snapshot ID     put one back; the beginning of its id is enough
  rollback-standalone --rollback-log FILE       take back what an operation log says hotfixes did

  --backup-dir DIR     where the backups are (default: ${DEFAULT_BACKUP_DIR})
  --target-root DIR    restore below DIR: the disk of a dead machine, mounted there
  --displaced-dir DIR  where to keep what has to make way, when the backups cannot be written to
  --state-dir DIR      the updater's state directory, if it is not in its usual place
  --yes                do not ask before restoring
  --json               one JSON object on stdout
  --json-lines         what happens as JSON, one object a line; the last is that of --json
  --schema             print the JSON Schemas of those, by command
  --help, --version

Nothing is destroyed: what a restore has to move away is kept, and the report says where.
Exit codes: 0 done; 1 unexpected error; 2 wrong usage, nothing was touched; 4 a person must look; 5 an updater is at work.

Example:
  rollback-standalone --restore-backup adblock
`;
