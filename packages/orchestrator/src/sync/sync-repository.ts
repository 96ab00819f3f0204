import { openMirror, showUrl, syncMirror, VersionControlError, type Mirror } from '@homeserver/version-control';
import type { Logger } from '@homeserver/system';
import { OrchestratorError } from '../errors.ts';
import { readRepository, type RepositoryContent } from '../detect/read-repository.ts';

export interface RepositorySettings {
  url: string;
  branch: string;
}

export interface SyncedRepository {
  mirror: Mirror;
  commit: string;
  /** False when the mirror had the tip already. */
  fetched: boolean;
  content: RepositoryContent;
}

/**
 * Brings the mirror up to the remote's tip and reads what that commit offers. Nothing of the server is changed. Throws
 * OrchestratorError: 'unreachable' (also for a damaged repository), 'untrusted' (an unsafe URL or tree), 'usage'.
 */
export async function syncRepository(
  directory: string,
  settings: RepositorySettings,
  options: { logger: Logger; signal?: AbortSignal },
): Promise<SyncedRepository> {
  options.logger.info(`Repository: ${showUrl(settings.url)} (branch ${settings.branch})`);
  const mirror = openMirror({ directory, logger: options.logger });
  try {
    const { commit, fetched } = await syncMirror(mirror, {
      ...settings,
      ...(options.signal ? { signal: options.signal } : {}),
    });
    options.logger.debug(`The repository is at ${commit}${fetched ? '' : ', as before'}`);
    return { mirror, commit, fetched, content: await readRepository(mirror, commit) };
  } catch (error) {
    throw explain(error, options.signal);
  }
}

function explain(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted)
    return new OrchestratorError('stopped', 'stopped while asking the repository; nothing was touched');
  if (!(error instanceof VersionControlError)) return error;
  const codes = { 'bad-url': 'untrusted', 'unsafe-entry': 'untrusted', 'bad-ref': 'usage' } as const;
  const code = error.code in codes ? codes[error.code as keyof typeof codes] : 'unreachable';
  return new OrchestratorError(code, error.message, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
