import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { checkAnswer, checkLines } from './valid-answer.ts';

export const program: string = path.join(import.meta.dirname, '../../bin/rollback-standalone.js');

export interface End {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the built program as a person or a script would, without a terminal. What it prints must be ASCII (no test has
 * other names), and that of --json and --json-lines is checked against its schema. */
export function rollback(args: readonly string[], options: { env?: Record<string, string>; cwd?: string } = {}): End {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    input: '',
    ...options,
  });
  const beyond = /.*[^\x00-\x7f].*/.exec(`${stdout}${stderr}`)?.[0];
  if (beyond !== undefined) throw new Error(`not every terminal can show this: ${beyond}`);
  if (args.includes('--json')) checkAnswer(stdout, status);
  if (args.includes('--json-lines')) checkLines(stdout, status);
  return { exitCode: status, stdout, stderr };
}
