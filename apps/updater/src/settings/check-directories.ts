import path from 'node:path';
import type { Settings } from './settings.ts';

export type DirectoryName = 'modulesPath' | 'stateDir' | 'localRepo' | 'backupDir';
export type Directories = Pick<Settings, DirectoryName>;

const names: readonly DirectoryName[] = ['modulesPath', 'stateDir', 'localRepo', 'backupDir'];
/** What the updater makes and clears away below `modulesPath`. */
const OWN_PARTS = ['modules', 'store', 'state', 'orchestrator'];

/**
 * What keeps these directories from working together, one line; undefined when nothing does. Modules capture what they keep
 * in `modulesPath`, which must not be data of ours; the mirror is replaced as a whole. `shown`: how a person knows a setting.
 */
export function overlapOf(directories: Directories, shown: (name: DirectoryName) => string): string | undefined {
  for (const inner of names) {
    for (const outer of names) {
      if (inner === outer) continue;
      const [one, other] = [directories[inner], directories[outer]];
      if (one === other)
        return `${shown(inner)} and ${shown(outer)} are both ${one}: each needs a directory of its own`;
      const place = forbiddenPlaces(inner, outer, other).find((forbidden) => isIn(one, forbidden));
      if (place !== undefined) return `${shown(inner)} ${one} must not be inside ${place}, which is of ${shown(outer)}`;
    }
  }
  return undefined;
}

/** Where, in the directory that is `outer`, another must not be. */
function forbiddenPlaces(inner: DirectoryName, outer: DirectoryName, directory: string): string[] {
  if (outer === 'modulesPath') return OWN_PARTS.map((part) => path.join(directory, part));
  return outer === 'localRepo' || inner === 'modulesPath' ? [directory] : [];
}

function isIn(directory: string, place: string): boolean {
  return directory === place || directory.startsWith(place.endsWith('/') ? place : `${place}/`);
}
