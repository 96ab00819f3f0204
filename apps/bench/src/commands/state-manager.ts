import fs from 'node:fs';
import path from 'node:path';
import { NODE_FLAGS } from '@homeserver/program-build';
import type { BackupRequest } from '@homeserver/state-manager';
import type { Bench } from '../bench.ts';
import type { Command } from '../time-command.ts';
import { python } from './copies.ts';

/*
 * Ours: a process of its own each time, through the public API of the built package, with the options of Node that our programs
 * have. The start of Node is in the time.
 */

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
    argv: [process.execPath, ...NODE_FLAGS, path.join(built, script), backupDir, stateDir, ...args],
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

/** The same command with every sync answered at once: the state manager always syncs, and so the rest of its work is measured. */
export function withoutSyncs({ argv, ...rest }: Command): Command {
  return { ...rest, argv: python('without_syncs.py', ...argv).argv };
}
