import type { Logging } from '@homeserver/logging';
import { underLock, type Server, type ServerRecovery, type UnderLockOptions } from '@homeserver/orchestrator';
import { openForChanging, type CommandContext } from './command-context.ts';
import { leaveService } from './leave-service.ts';

export interface Change extends Pick<UnderLockOptions, 'purpose' | 'ifNotRecovered'> {
  /** --wait, in seconds. */
  wait: number | undefined;
}

/** Opens the server and its log for one change, makes it under the lock, and closes the log. Throws as `underLock`. */
export async function changeServer<T>(
  context: CommandContext,
  { wait = 0, ...options }: Change,
  act: (server: Server, logging: Logging) => Promise<T>,
): Promise<{ result: T; recovery: ServerRecovery }> {
  const { server, logging } = openForChanging(context);
  try {
    await leaveService(logging);
    return await underLock(server, { ...options, waitMs: wait * 1000, signal: context.signal }, () =>
      act(server, logging),
    );
  } finally {
    logging.close();
  }
}
