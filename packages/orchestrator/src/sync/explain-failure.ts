import { VersionControlError } from '@homeserver/version-control';
import { OrchestratorError } from '../errors.ts';

/** What git could not do says nothing of what it was to look at. */
export function isOfTheMachine({ code }: VersionControlError): boolean {
  return code === 'no-space' || code === 'no-program' || code === 'git-failed';
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
    'no-space': 'io',
    'no-program': 'io',
    'git-failed': 'io',
  } as const;
  const code = error.code in codes ? codes[error.code as keyof typeof codes] : 'unreachable';
  return new OrchestratorError(code, error.message, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
