import { compareVersions, VersionControlError } from '@homeserver/version-control';
import { OrchestratorError } from '../errors.ts';

/** -1, 0 or 1: whether the first version is lower, equal or higher, as strict semver. Throws OrchestratorError 'usage'. */
export function compareSchemaVersions(first: string, second: string): -1 | 0 | 1 {
  try {
    return compareVersions(first, second);
  } catch (error) {
    if (!(error instanceof VersionControlError)) throw error;
    throw new OrchestratorError('usage', error.message, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}
