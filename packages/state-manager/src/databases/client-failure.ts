import { describeEnd, type CommandResult } from '@homeserver/system';
import { StateManagerError, type StateManagerErrorCode } from '../errors.ts';

/** What failed, and as which kind of error. */
export interface Attempt {
  code: StateManagerErrorCode;
  /** "cannot capture postgresql://local:5432/app". */
  what: string;
}

/** Replaces secrets in what a program said: some repeat what they were given. */
export function redact(text: string, secrets: readonly (string | undefined)[]): string {
  return secrets.reduce<string>((shown, secret) => (secret ? shown.replaceAll(secret, '***') : shown), text);
}

/** A client program that failed, as an error of ours: the last thing that it called an error, else its last line. */
export function clientFailure(
  { code, what }: Attempt,
  result: Pick<CommandResult, 'stderr' | 'exitCode' | 'signal' | 'timedOut' | 'aborted'>,
  secrets: readonly (string | undefined)[],
): StateManagerError {
  const lines = redact(result.stderr.toString(), secrets)
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const said = lines.findLast((line) => /\b(error|fatal)\b/i.test(line)) ?? lines.at(-1) ?? describeEnd(result);
  const isFull = /no space left|disk full|disk quota exceeded|errcode: 28|error: 28/i.test(lines.join(' '));
  return new StateManagerError(isFull ? 'no-space' : code, `${what}: ${withoutPrefix(said)}`);
}

/** "psql:<stdin>:3: ERROR:  x" says no more than "x". */
function withoutPrefix(line: string): string {
  return line.replace(/^.*\b(?:error|fatal):\s*(?=\S)/i, '');
}
