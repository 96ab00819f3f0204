import { compareVersions, parseVersion } from '@homeserver/version-control';
import type { RepositoryRelease } from '../detect/read-repository.ts';
import { withheldUntil } from '../records/withheld.ts';
import type { OrchestratorRecord } from './orchestrator-record.ts';

/** A release that is to take this orchestrator's place. */
export interface ReleaseUpdate {
  fromVersion: string;
  toVersion: string;
  treeId: string;
}

/** What the repository has to say about the orchestrator itself. */
export interface ReleaseDetection {
  update?: ReleaseUpdate;
  /** Why a newer release is not taken, or what is wrong with it. `isProblem`: the cycle counts as failed for it. */
  notice?: { text: string; isProblem: boolean };
}

export interface ReleaseDetectionInput {
  release: RepositoryRelease | undefined;
  /** The version of this orchestrator. */
  running: string;
  record: OrchestratorRecord;
  retry: boolean;
  maxMajorJump: number;
  /** Unix seconds. */
  now: number;
}

/** Compares the repository's release with this orchestrator; an equal or lower one is not taken. Pure. */
export function detectRelease(input: ReleaseDetectionInput): ReleaseDetection {
  const { release, running, record, retry, maxMajorJump, now } = input;
  if (release === undefined) return {};
  if ('problem' in release) return problem(release.problem);
  const { version, treeId } = release;
  if (compareVersions(version, running) <= 0) return {};
  const jump = (parseVersion(version)?.major ?? 0) - (parseVersion(running)?.major ?? 0);
  if (jump > maxMajorJump) {
    const text = `Orchestrator ${version} is refused: this is ${running}, and it does not go up ${jump} major versions at once`;
    return problem(`${text} (trust.maxMajorJump is ${maxMajorJump})`);
  }
  const failure = record.failed?.find((one) => one.tree === treeId);
  const until = failure === undefined || retry ? undefined : withheldUntil(failure, now);
  if (until !== undefined) {
    const text = `Orchestrator ${version} failed here (${failure?.error}); ${until}, or now with --retry`;
    return { notice: { text, isProblem: false } };
  }
  return { update: { fromVersion: running, toVersion: version, treeId } };
}

function problem(text: string): ReleaseDetection {
  return { notice: { text, isProblem: true } };
}
