import type { Progress } from '@homeserver/state-manager';
import type { ModuleResult } from '../module-contract.ts';

/** The environment variable that tells a host whose child it is. */
export const UPDATER_PID = 'HOMESERVER_UPDATES_UPDATER_PID';

/** Characters of one log message; a host's line must not be cut by `splitLines`. */
export const MAX_MESSAGE: number = 16 * 1024;

/** The updater tells the host to run one module. */
export interface RunRequest {
  /** Random; the host's own lines on stdout begin with it, so that what a module prints is not taken for one. */
  nonce: string;
  name: string;
  version: string;
  directory: string;
  entry: string;
  args: readonly string[];
  config: Record<string, unknown>;
  stateDir: string;
  backupDir: string;
  updaterStateDir: string;
  /** Marker of this run of this module: `<run>.<host>.<module>`. */
  run: string;
  dryRun: boolean;
  retry: boolean;
  /** Somebody wants to know how far captures and restores are; finding that out costs a look at each file. */
  watched: boolean;
}

/** A line that the host writes between the module's own output. stdout alone keeps the order, so everything travels there. */
export type HostLine =
  /** From here on, whatever happens is the module's doing. */
  | { kind: 'begin' }
  | { kind: 'log'; level: 'debug' | 'info' | 'warn' | 'error'; message: string }
  /** A restore inside the module moved something out of the way. */
  | { kind: 'displaced'; from: string; to: string }
  | { kind: 'progress'; progress: Progress }
  | {
      kind: 'end';
      /** What `main` came to. */
      result: ModuleResult | false;
      /** Why this host must not run another module; empty when it ended clean. */
      leftovers: string[];
    };

/** One line of the host; it starts on a line of its own even if the module left one unfinished. */
export function formatHostLine(nonce: string, line: HostLine): string {
  return `\n${nonce} ${JSON.stringify(line)}\n`;
}

/** undefined for a line that a module printed. */
export function parseHostLine(nonce: string, text: string): HostLine | undefined {
  if (!text.startsWith(`${nonce} `)) return undefined;
  try {
    return JSON.parse(text.slice(nonce.length + 1)) as HostLine;
  } catch {
    return undefined; // The host died while it wrote this.
  }
}
