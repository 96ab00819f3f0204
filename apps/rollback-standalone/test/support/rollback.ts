import { spawnSync } from 'node:child_process';
import path from 'node:path';

export const program: string = path.join(import.meta.dirname, '../../bin/rollback-standalone.js');

export interface End {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the built program as a person or a script would, without a terminal. */
export function rollback(args: readonly string[], options: { env?: Record<string, string>; cwd?: string } = {}): End {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    input: '',
    ...options,
  });
  return { exitCode: status, stdout, stderr };
}
