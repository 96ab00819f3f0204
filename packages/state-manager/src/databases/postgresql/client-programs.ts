import fs from 'node:fs';
import path from 'node:path';
import { childEnvironment, runCommand } from '@homeserver/system';

/** PostgreSQL's client programs of one version. */
export interface ClientPrograms {
  /** The directory that they are in. */
  directory: string;
  /** Major version. */
  version: number;
}

/** Debian and Ubuntu keep each version's programs here. */
const VERSIONS = '/usr/lib/postgresql';

/**
 * The programs to talk with a server of `serverVersion` (a major version): of the same version if they are here, because what a
 * newer pg_dump writes an older server need not understand; else the oldest newer ones. Without a version: the newest, to ask
 * for it. undefined when there are none that can.
 */
export async function findClientPrograms(serverVersion?: number): Promise<ClientPrograms | undefined> {
  const found = [...(await installedPrograms())].sort((a, b) => a.version - b.version);
  return serverVersion === undefined ? found.at(-1) : found.find(({ version }) => version >= serverVersion);
}

async function installedPrograms(): Promise<ClientPrograms[]> {
  const versions = fs.existsSync(VERSIONS) ? fs.readdirSync(VERSIONS) : [];
  const found = versions.flatMap((version): ClientPrograms[] => {
    const directory = path.join(VERSIONS, version, 'bin');
    return hasPrograms(directory) ? [{ directory, version: Number.parseInt(version, 10) }] : [];
  });
  if (found.length > 0) return found; // Debian's /usr/bin/psql is a script that chooses among these, by rules of its own.
  for (const directory of (childEnvironment()['PATH'] ?? '').split(':')) {
    if (!hasPrograms(directory)) continue;
    const { stdout } = await runCommand([path.join(directory, 'pg_dump'), '--version']);
    const version = /(\d+)(\.\d+|devel|beta\d|rc\d)/.exec(stdout.toString())?.[1];
    return version === undefined ? [] : [{ directory, version: Number(version) }];
  }
  return [];
}

function hasPrograms(directory: string): boolean {
  return ['psql', 'pg_dump', 'pg_restore'].every((program) => fs.existsSync(path.join(directory, program)));
}
