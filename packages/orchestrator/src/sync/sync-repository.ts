import {
  describeReceived,
  openMirror,
  showUrl,
  syncMirror,
  VersionControlError,
  withBundle,
  type FetchProgress,
  type Mirror,
  type OnFetchProgress,
  type Received,
} from '@homeserver/version-control';
import { showPath, type Logger } from '@homeserver/system';
import { OrchestratorError } from '../errors.ts';
import { readRepository, type RepositoryContent } from '../detect/read-repository.ts';
import type { ServerPaths } from '../server-paths.ts';
import { readAcceptedTip } from '../trust/accepted-tips.ts';
import { checkTip, requiredSigners, type TrustedTip } from '../trust/check-tip.ts';
import { DEFAULT_TRUST, type TrustSettings } from '../trust/trust-settings.ts';

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
 * unsafe URL or tree, a tip that may not be used), 'usage'.
 */
export async function syncRepository(
  paths: Pick<ServerPaths, 'localRepo' | 'acceptedTips'>,
  settings: RepositorySettings,
  options: { logger: Logger; signal?: AbortSignal; onProgress?: OnFetchProgress },
): Promise<SyncedRepository> {
  const { url, branch, bundle, acceptTip, trust = DEFAULT_TRUST } = settings;
  options.logger.info(`Repository: ${bundle === undefined ? showUrl(url) : showPath(bundle)}`);
  if (branch !== 'main') options.logger.info(`Branch: ${branch}`);
  const mirror = openMirror({ directory: paths.localRepo, logger: options.logger });
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

/** As one of ours; `signal` tells whether somebody stopped it. */
export function explain(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted)
    return new OrchestratorError('stopped', 'stopped while asking the repository; nothing was touched');
  if (!(error instanceof VersionControlError)) return error;
  const codes = {
    'bad-url': 'untrusted',
    'unsafe-entry': 'untrusted',
    untrusted: 'untrusted',
    'bad-ref': 'usage',
  } as const;
  const code = error.code in codes ? codes[error.code as keyof typeof codes] : 'unreachable';
  return new OrchestratorError(code, error.message, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
