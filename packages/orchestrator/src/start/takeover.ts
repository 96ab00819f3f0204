/** The environment variable by which a release learns that it goes on with the cycle of another one. */
const TAKEOVER = 'HOMESERVER_UPDATES_TAKEOVER';

/** What a release that goes on with a cycle takes over from the one that began it. */
export interface Takeover {
  /** The version that began it, and waits for its end. */
  from: string;
  /** Id of the cycle: its run record is what proves the release. */
  run: string;
  /** Descriptors that hold the server's lock, in the order in which it is taken. */
  locks: number[];
}

export function takeoverEnvironment(takeover: Takeover): Record<string, string> {
  return { [TAKEOVER]: JSON.stringify(takeover) };
}

/** What this process takes over, if anything. */
export function readTakeover(environment: NodeJS.ProcessEnv): Takeover | undefined {
  const { from, run, locks } = take<Takeover>(environment, TAKEOVER);
  const isWhole = typeof from === 'string' && typeof run === 'string' && Array.isArray(locks);
  return isWhole && locks.every(Number.isInteger) ? { from, run, locks } : undefined;
}

/** The environment variable by which a program learns that another one should have run in its place. */
const FAILED_START = 'HOMESERVER_UPDATES_FAILED_START';

/** A proven release that could not be started, and why, one line. */
export interface FailedStart {
  version: string;
  why: string;
}

export function failedStartEnvironment(failed: FailedStart): Record<string, string> {
  return { [FAILED_START]: JSON.stringify(failed) };
}

/** The release that should have run in place of this process, if any. */
export function readFailedStart(environment: NodeJS.ProcessEnv): FailedStart | undefined {
  const { version, why } = take<FailedStart>(environment, FAILED_START);
  return typeof version === 'string' && typeof why === 'string' ? { version, why } : undefined;
}

/** Removes the variable, so that no child takes it for its own. */
function take<T>(environment: NodeJS.ProcessEnv, name: string): Partial<T> {
  const text = environment[name];
  delete environment[name];
  try {
    return JSON.parse(text ?? '{}') as Partial<T>;
  } catch {
    return {};
  }
}
