import type { StateSource } from '../state-source.ts';
import { captureFiles, type WantedFiles } from './capture-files.ts';
import type { CapturedFiles } from './file-record.ts';
import { relocateFiles } from './relocate-files.ts';
import { resolveRoots } from './resolve-roots.ts';
import { prepareRestore } from './restore-files.ts';
import { verifyFiles } from './verify-files.ts';

/** Files and directories: content, mode, owner, times to the nanosecond, links, and what is not there. */
export const filesSource: StateSource<WantedFiles, CapturedFiles> = {
  kind: 'files',
  readsBack: true,
  claims: (wanted) => resolveRoots(wanted.paths).map((root) => ({ kind: 'files', name: root.real })),
  capture: async (wanted, context) => captureFiles(wanted, context),
  verify: async (captured, directory, onProgress) => verifyFiles(captured, directory, onProgress),
  prepare: async (captured, context) =>
    prepareRestore(context.targetRoot === undefined ? captured : relocateFiles(captured, context.targetRoot), context),
};
