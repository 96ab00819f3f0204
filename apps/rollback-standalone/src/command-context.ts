import type { StateManager } from '@homeserver/state-manager';
import type { Display } from './display.ts';

/** What a command works with. */
export interface CommandContext {
  state: StateManager;
  /** Where the disk of another machine is mounted, below which everything is put back. */
  targetRoot: string | undefined;
  /** Where a restore keeps what has to make way, when the backups are on a read-only medium. */
  displacedDir: string | undefined;
  /** Do not ask. */
  yes: boolean;
  readonly onEvent: Display['onEvent'];
  /** Lines for the person, before the answer: on stdout, with --json or --json-lines on stderr. */
  say(lines: readonly string[]): void;
  /** To be called before the first change: from then on a signal does not end this program before the command is done. */
  beginChange(): void;
  /** This program's command line for something else, with the same directories. */
  toType(...args: string[]): string;
}

/** What a command found or did. */
export interface Answer {
  /** For --json. */
  data: object;
  /** For people. */
  lines: readonly string[];
  exitCode: number;
  /** Why the exit code is not 0, for stderr. */
  problem?: { message: string; hint: string };
}
