import { checkConfiguredPath, SystemError } from '@homeserver/system';
import { OrchestratorError } from './errors.ts';
import type { ServerPaths } from './server-paths.ts';

/** Refuses a server whose directories somebody else could have prepared, or could exchange. Throws 'untrusted'. */
export function checkPaths({ modulesPath, stateDir, localRepo, backupDir }: ServerPaths): void {
  for (const place of [modulesPath, stateDir, localRepo, backupDir]) {
    try {
      checkConfiguredPath(place);
    } catch (error) {
      if (!(error instanceof SystemError) || error.code !== 'unsafe-path') throw error;
      throw new OrchestratorError('untrusted', error.message, {
        cause: error,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
    }
  }
}
