import { errnoName, readFileText, reasonOf, writeJsonDurably } from '@homeserver/system';
import { showUrl } from '@homeserver/version-control';
import { z } from 'zod';
import { OrchestratorError } from '../errors.ts';

/** The last commit of a branch that was accepted; outside the mirror, which may be replaced at any time. */
export interface AcceptedTip {
  commit: string;
  /** Unix seconds: when it was accepted. */
  at: number;
}

const schema = z.strictObject({
  format: z.literal(1),
  tips: z.record(z.string(), z.strictObject({ commit: z.string().regex(/^[0-9a-f]{40,64}$/), at: z.number() })),
});

/** undefined when nothing of this branch was accepted yet. Throws 'untrusted' when the memory cannot be read. */
export function readAcceptedTip(file: string, url: string, branch: string): AcceptedTip | undefined {
  return readAll(file)[keyOf(url, branch)];
}

/** All of them, of whatever repository and branch. Throws 'untrusted' when the memory cannot be read. */
export function listAcceptedTips(file: string): AcceptedTip[] {
  return Object.values(readAll(file));
}

/** Durable before it returns. A memory that cannot be read is replaced: who calls this has decided what to trust. */
export function writeAcceptedTip(file: string, url: string, branch: string, tip: AcceptedTip): void {
  const tips = readAll(file, 'replace');
  const key = keyOf(url, branch);
  if (tips[key]?.commit !== tip.commit) writeJsonDurably(file, { format: 1, tips: { ...tips, [key]: tip } });
}

function keyOf(url: string, branch: string): string {
  return `${showUrl(url)} ${branch}`;
}

function readAll(file: string, damaged: 'refuse' | 'replace' = 'refuse'): Record<string, AcceptedTip> {
  try {
    return schema.parse(JSON.parse(readFileText(file))).tips;
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return {};
    const isContent = errnoName(error) === undefined;
    if (isContent && damaged === 'replace') return {};
    const why = error instanceof z.ZodError ? 'has an unknown format' : reasonOf(error);
    throw new OrchestratorError('untrusted', `cannot tell which commit was accepted last: ${file}: ${why}`, {
      cause: error,
      hint: 'if the repository is the right one: updater run --accept-tip COMMIT',
    });
  }
}
