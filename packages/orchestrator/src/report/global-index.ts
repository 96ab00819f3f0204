import { writeFileDurably, readFileText } from '@homeserver/system';
import type { ServerPaths } from '../server-paths.ts';
import { installedModules } from '../store/installed-modules.ts';
import { ORCHESTRATOR_VERSION } from '../version.ts';

/** index.json of the server: what is installed. Derived from the links, so damage to it costs nothing. */
export interface GlobalIndex {
  metadata: { schema_version: string; channel: string };
  packages: Record<string, string>;
}

/** The index as the links say it must be, under the version of this orchestrator; the channel is the owner's, and kept. */
export function deriveGlobalIndex(paths: ServerPaths): GlobalIndex {
  const packages: Record<string, string> = {};
  for (const { name, version } of installedModules(paths).values()) if (version !== undefined) packages[name] = version;
  return { metadata: { schema_version: ORCHESTRATOR_VERSION, channel: channelOf(paths) ?? 'stable' }, packages };
}

function channelOf(paths: ServerPaths): string | undefined {
  try {
    const { metadata } = JSON.parse(readFileText(paths.globalIndex)) as { metadata?: { channel?: unknown } };
    return typeof metadata?.channel === 'string' ? metadata.channel : undefined;
  } catch {
    return undefined; // Missing or damaged: it is written anew.
  }
}

/** As it stands in the file. */
export function globalIndexText(index: GlobalIndex): string {
  return `${JSON.stringify(index, undefined, 4)}\n`;
}

/** Brings index.json into agreement with the links; a file that is right already is not written. */
export function writeGlobalIndex(paths: ServerPaths): void {
  const text = globalIndexText(deriveGlobalIndex(paths));
  if (readIfFile(paths.globalIndex) !== text) writeFileDurably(paths.globalIndex, text, { mode: 0o644 });
}

/** undefined when there is nothing to read; writing then says why. */
function readIfFile(file: string): string | undefined {
  try {
    return readFileText(file);
  } catch {
    return undefined;
  }
}
