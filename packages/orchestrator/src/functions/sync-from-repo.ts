import { syncRepository } from '../sync/sync-repository.ts';
import { writeAcceptedTip } from '../trust/accepted-tips.ts';
import type { TrustSettings } from '../trust/trust-settings.ts';
import { underLock } from '../under-lock.ts';
import { lockOptions, serverOf, type ScriptOptions } from './script-options.ts';

/** A repository whose tip was brought here, and may be used. */
export interface SyncedRepo {
  /** The bare mirror. */
  path: string;
  url: string;
  branch: string;
  commit: string;
  /** False when the mirror had the commit already. */
  fetched: boolean;
}

/**
 * Brings the bare mirror at `path` up to the branch, under the updater's rules for what git may do and whose commits may be
 * used; the commit counts as accepted from then on. Throws OrchestratorError 'unreachable', 'untrusted', 'usage', 'locked'.
 */
export async function syncFromRepo(
  url: string,
  path: string,
  branch = 'main',
  options: ScriptOptions & { trust?: TrustSettings } = {},
): Promise<SyncedRepo> {
  const server = serverOf(options, path);
  const { localRepo, acceptedTips } = server.paths;
  const repository = { url, branch, ...(options.trust === undefined ? {} : { trust: options.trust }) };
  const { result } = await underLock(server, lockOptions('syncFromRepo', options), async () => {
    const { tip, fetched } = await syncRepository(server.paths, repository, {
      logger: server.logger,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    writeAcceptedTip(acceptedTips, url, branch, { commit: tip.commit, at: Math.floor(Date.now() / 1000) });
    return { path: localRepo, url, branch, commit: tip.commit, fetched };
  });
  return result;
}
