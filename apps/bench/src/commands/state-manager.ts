import fs from 'node:fs';
import path from 'node:path';
import type { BackupRequest } from '@homeserver/state-manager';
import type { Bench } from '../bench.ts';
import type { Command } from '../time-command.ts';

/* Ours: a process of its own each time, through the public API of the built package. The start of Node is in the time. */

const built = path.resolve(import.meta.dirname, '../../dist');

/** A backup directory of ours with the state directory that belongs to it. */
export interface Backups {
  backUp(request: BackupRequest, slot?: string): Command;
  /** Puts the tree back at its own place. */
  restore(slot?: string): Command;
  readonly backupDir: string;
  readonly stateDir: string;
}

export function newBackups(bench: Bench): Backups {
  const directory = bench.freshDirectory('state-manager');
  const [backupDir, stateDir] = [path.join(directory, 'backups'), path.join(directory, 'state')];
  const run = (script: string, ...args: string[]): Command => ({
    argv: [process.execPath, path.join(built, script), backupDir, stateDir, ...args],
  });
  return {
    backupDir,
    stateDir,
    backUp: (request, slot = 'bench') => {
      const file = bench.fresh('request.json');
      fs.writeFileSync(file, JSON.stringify(request));
      return run('back-up.js', slot, file);
    },
    restore: (slot = 'bench') => run('restore.js', slot),
  };
}

/**
 * The same command with every sync answered by strace, at once and without the disk; other system calls run at full speed.
 * The state manager always syncs: this is how the rest of its work is measured.
 */
export function withoutSyncs({ argv, ...rest }: Command): Command {
  const syncs = 'fsync,fdatasync,syncfs,sync';
  const strace = ['strace', '-f', '--seccomp-bpf', '-qqq', '-o', '/dev/null'] as const;
  return { ...rest, argv: [...strace, `--trace=${syncs}`, `--inject=${syncs}:retval=0`, '--', ...argv] };
}
