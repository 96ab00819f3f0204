import {
  describeReceived,
  openMirror,
  showUrl,
  syncMirror,
  withBundle,
  type FetchProgress,
  type Mirror,
  type OnFetchProgress,
  type Received,
} from '@homeserver/version-control';
import { showPath, type Logger } from '@homeserver/system';
import { readRepository, type RepositoryContent } from '../detect/read-repository.ts';
import type { ServerPaths } from '../server-paths.ts';
import { readAcceptedTip } from '../trust/accepted-tips.ts';
import { checkTip, requiredSigners, type TrustedTip } from '../trust/check-tip.ts';
import { DEFAULT_TRUST, type TrustSettings } from '../trust/trust-settings.ts';
import { explain } from './explain-failure.ts';

export interface RepositorySettings {
  url: string;
  branch: string;
  /** Default: signatures are required once /etc/homeserver-updates/allowed_signers exists. */
  trust?: TrustSettings;
  /** Absolute: a git bundle that stands in for the repository this time. What was accepted of `url` before counts. */
  bundle?: string;
  /** A tip that the owner accepts although it does not descend from the last one. */
  acceptTip?: string;
}

export interface SyncedRepository {
  mirror: Mirror;
  tip: TrustedTip;
  /** False when the mirror had the tip already. */
  fetched: boolean;
  /** What came, by git's own count. */
  received?: Received;
  content: RepositoryContent;
}

/**
 * Brings the mirror up to the remote's tip, decides whether that commit may be used, and only then reads what it offers.
 * Nothing of the server is changed. Throws OrchestratorError: 'unreachable' (also for a damaged repository), 'untrusted' (an
 * unsafe URL or tree, a tip that may not be used), 'usage', 'io' (no git, no room, a git that hangs), 'stopped'.
 */
export async function syncRepository(
  paths: Pick<ServerPaths, 'localRepo' | 'acceptedTips'>,
  settings: RepositorySettings,
  options: { logger: Logger; signal?: AbortSignal; onProgress?: OnFetchProgress },
): Promise<SyncedRepository> {
  const { url, branch, bundle, acceptTip, trust = DEFAULT_TRUST } = settings;
  options.logger.info(`Repository: ${bundle === undefined ? showUrl(url) : showPath(bundle)}`);
  if (branch !== 'main') options.logger.info(`Branch: ${branch}`);
  const mirror = openMirror({ directory: paths.localRepo, ...options });
  try {
    const accepted = acceptTip === undefined ? readAcceptedTip(paths.acceptedTips, url, branch) : undefined;
    let received: Received | undefined;
    const rest = {
      branch,
      onProgress: (progress: FetchProgress) => {
        if (progress.step === 'receive') received = { objects: progress.objectsDone, bytes: progress.bytesDone };
        options.onProgress?.(progress);
      },
      plainHttp: requiredSigners(trust) !== undefined,
      ...(options.signal ? { signal: options.signal } : {}),
    };
    const { commit, fetched } =
      bundle === undefined
        ? await syncMirror(mirror, { url, ...rest })
        : await withBundle(mirror, bundle, branch, (opened) => syncMirror(mirror, { url: opened, ...rest }));
    if (received !== undefined) options.logger.info(`Fetched ${describeReceived(received)}`);
    options.logger.debug(`The repository is at ${commit}${fetched ? '' : ', as before'}`);
    const tip = await checkTip(mirror, { commit, trust, accepted, acceptTip, now: Math.floor(Date.now() / 1000) });
    for (const warning of tip.warnings) options.logger.warn(warning);
    return { mirror, tip, fetched, ...(received && { received }), content: await readRepository(mirror, commit) };
  } catch (error) {
    throw explain(error, options.signal);
  }
}
