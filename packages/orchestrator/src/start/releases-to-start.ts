import fs from 'node:fs';
import path from 'node:path';
import { checkConfiguredPath, readFileText } from '@homeserver/system';
import { isNewer, parseVersion } from '@homeserver/version-control';
import type { ServerLocations } from '../server-paths.ts';
import {
  orchestratorDirectory,
  orchestratorRecordFile,
  RELEASE_ENTRY,
  releaseDirectory,
  type Release,
} from './release.ts';

/**
 * The releases that may be started in place of the program that is installed, best first: proven ones that are newer than
 * `installed`. None where nothing was ever released, somebody removed the link `current`, or something is not as it should
 * be: the installed program then knows what to do. Reads two files, and never throws.
 */
export function releasesToStart(
  { modulesPath, stateDir }: Pick<ServerLocations, 'modulesPath' | 'stateDir'>,
  installed: string,
): Release[] {
  if (!isLink(path.join(orchestratorDirectory(modulesPath), 'current'))) return [];
  return provenVersions(orchestratorRecordFile(stateDir)).flatMap((version) => {
    const directory = releaseDirectory(modulesPath, version);
    return isNewer(version, installed) && isSafe(path.join(directory, RELEASE_ENTRY)) ? [{ version, directory }] : [];
  });
}

function isLink(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

/** As orchestrator-record.ts has it; without a schema, whose library takes longer to load than all this. */
function provenVersions(file: string): string[] {
  try {
    const { format, proven, previous } = JSON.parse(readFileText(file)) as Record<string, unknown>;
    if (format !== 1) return [];
    return [proven, previous].filter(
      (one): one is string => typeof one === 'string' && parseVersion(one) !== undefined,
    );
  } catch {
    return []; // Not there, damaged, or not for this user.
  }
}

/** Nobody else could have put it there. */
function isSafe(file: string): boolean {
  try {
    checkConfiguredPath(file);
    return fs.existsSync(file);
  } catch {
    return false;
  }
}
