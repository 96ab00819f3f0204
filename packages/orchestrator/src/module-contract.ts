import type { PermissionManager } from '@homeserver/permissions';
import type { StateManager } from '@homeserver/state-manager';
import type { CommandOptions, CommandResult, Logger } from '@homeserver/system';

/*
 * The contract between the updater and a module: `export async function main(args, context)` in index.ts, .mts, .mjs, .js or .cjs.
 */

export interface ModuleContext {
  /** The module's name, as its directory is called. */
  readonly name: string;
  /** Its schema_version. */
  readonly version: string;
  /** Lines go to the update log under the module's name. */
  readonly log: Logger;
  /** `configuration` (or `config`) of index.json. */
  readonly config: Readonly<Record<string, unknown>>;
  /** A directory of the module's own that survives its updates. It exists. */
  readonly stateDir: string;
  /** Backups and guarded changes. What guards changed is undone, newest first, when this run of the module fails. */
  readonly state: StateManager;
  /**
   * Does something once in the life of this server, whatever versions come: `await context.once('move-lists', async () => ...)`.
   * True when it was done now, false when it had been done before. The flag is kept with `stateDir`, and becomes final with
   * this run: if `main` fails or is killed later on, the flag and what guards changed are undone together, and it is done
   * again next time. So what it changes outside a guard must be right to repeat. If it throws, no flag is set. The id
   * (lower-case letters, digits, ".", "-", "_", at most 64) must never be used for something else. Not inside another `once`.
   */
  once(id: string, act: () => unknown): Promise<boolean>;
  /** Owner, group and mode of files. What it changes is undone only where `state` guards those files. */
  readonly permissions: PermissionManager;
  /** Runs a program (argv, no shell) with a cleaned environment; it ends with the run. */
  run(argv: readonly [string, ...string[]], options?: CommandOptions): Promise<CommandResult>;
  /** Aborted when the run is to end: time limit, or somebody stops the updater. */
  readonly signal: AbortSignal;
  /** Say what would be done; change nothing. */
  readonly dryRun: boolean;
  /** The owner asked to try again what was given up (`run --retry`). */
  readonly retry: boolean;
}

/** What `main` returns. `false` alone asks for one more start in a fresh process. */
export interface ModuleResult {
  success: boolean;
  /** Why it failed, one line. */
  error?: string;
  /** Whether anything on the server is different now. */
  changed?: boolean;
  /** Parts that failed and were put back (a hotfix pool): the run is reported as failed, the module is not. One line each. */
  reverted?: string[];
  /** Parts that failed and could not be put back: a person must look. One line each. */
  rollbackFailed?: string[];
}

export type ModuleMain = (args: string[], context: ModuleContext) => Promise<ModuleResult | false>;
