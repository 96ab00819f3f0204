import fs from 'node:fs';
import { checkConfiguredPath, SystemError } from '@homeserver/system';
import {
  isAncestor,
  readCommit,
  verifyCommit,
  VersionControlError,
  type Mirror,
  type Signers,
} from '@homeserver/version-control';
import { OrchestratorError } from '../errors.ts';
import { isOfTheMachine } from '../sync/explain-failure.ts';
import type { AcceptedTip } from './accepted-tips.ts';
import type { TrustSettings } from './trust-settings.ts';

/** A tip that may be used. */
export interface TrustedTip {
  commit: string;
  /** Its signature was required, and is good. */
  signed: boolean;
  /** Unix seconds, by the committer's clock. */
  committedAt: number;
  /** What the owner should know, one line each. */
  warnings: string[];
}

export interface TipQuestion {
  commit: string;
  trust: TrustSettings;
  accepted: AcceptedTip | undefined;
  /** The commit that the owner accepts although it does not descend from the last one; at least 7 digits of its id. */
  acceptTip?: string | undefined;
  /** Unix seconds. */
  now: number;
}

/**
 * Whose signatures are required: undefined for none. Throws 'untrusted' when they are required and nobody is named, or when
 * the file could have been written by somebody else.
 */
export function requiredSigners({ require, allowedSigners, revokedSigners }: TrustSettings): Signers | undefined {
  const exists = fs.existsSync(allowedSigners);
  if (require === 'none' || (require === undefined && !exists)) return undefined;
  if (!exists) {
    throw new OrchestratorError('untrusted', `signatures are required, but ${allowedSigners} does not exist`, {
      hint: "make it from the maintainer's public key: updater trust init KEY.pub",
    });
  }
  for (const file of [allowedSigners, revokedSigners]) {
    try {
      if (fs.existsSync(file)) checkConfiguredPath(file);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      throw new OrchestratorError('untrusted', error.message, {
        cause: error,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
    }
  }
  return { allowedFile: allowedSigners, revokedFile: revokedSigners };
}

/**
 * Decides whether the tip of the branch may be used; nothing of it has been read before. It must be signed where that is
 * required, and descend from the last accepted one. Throws OrchestratorError 'untrusted', with what was found, what was
 * expected, and what to type; 'usage' for an `acceptTip` that is another commit.
 */
export async function checkTip(mirror: Mirror, question: TipQuestion): Promise<TrustedTip> {
  const { commit, trust, accepted, acceptTip, now } = question;
  const signers = requiredSigners(trust);
  try {
    if (signers !== undefined) await verifyCommit(mirror, commit, signers);
    const { committedAt } = await readCommit(mirror, commit);
    if (acceptTip !== undefined) refuseOther(commit, acceptTip);
    else if (accepted !== undefined && !(await isAncestor(mirror, accepted.commit, commit)))
      throw rewound(commit, accepted.commit);
    return { commit, signed: signers !== undefined, committedAt, warnings: warningsOf(committedAt, question, now) };
  } catch (error) {
    if (!(error instanceof VersionControlError) || isOfTheMachine(error)) throw error;
    throw new OrchestratorError('untrusted', error.message, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

function rewound(found: string, accepted: string): OrchestratorError {
  return new OrchestratorError(
    'untrusted',
    `refused the repository's tip ${found}: it does not descend from ${accepted}, the last one accepted here`,
    {
      hint: `somebody rewound or replaced the branch; if that is right: updater run --accept-tip ${found.slice(0, 12)}`,
    },
  );
}

function refuseOther(found: string, acceptTip: string): void {
  if (/^[0-9a-f]{7,64}$/.test(acceptTip) && found.startsWith(acceptTip)) return;
  throw new OrchestratorError('usage', `--accept-tip names ${acceptTip}, but the tip of the branch is ${found}`);
}

function warningsOf(committedAt: number, { trust }: TipQuestion, now: number): string[] {
  const ageDays = Math.floor((now - committedAt) / 86_400);
  const isUnused = trust.require === 'none' && fs.existsSync(trust.allowedSigners);
  return [
    ...(ageDays > trust.maxAgeDays
      ? [`The newest commit of the repository is ${ageDays} days old; are updates being held back?`]
      : []),
    ...(ageDays < -1
      ? ['The newest commit of the repository is from the future; is the clock of this server right?']
      : []),
    ...(isUnused ? [`Signatures are not required, although ${trust.allowedSigners} exists`] : []),
  ];
}
