import { AsyncLocalStorage } from 'node:async_hooks';

/** Guards of this process whose change is under way. */
export const runningGuards: Set<string> = new Set();

/** The guards that the running code is inside of, outermost first; also those of another instance. */
export const guardsAround: AsyncLocalStorage<readonly string[]> = new AsyncLocalStorage();
