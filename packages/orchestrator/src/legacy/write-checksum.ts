import fs from 'node:fs';
import path from 'node:path';
import { OrchestratorError } from '../errors.ts';
import type { Server } from '../server.ts';
import { underLock } from '../under-lock.ts';
import { checksumOfDirectory } from './directory-checksum.ts';
import { setInManifest } from './edit-manifest.ts';
import { readManifest } from './manifest.ts';

/**
 * Writes the checksum of a module directory into manifest.json, for every update that has this directory. Returns their
 * names. Throws 'usage' when none has, and as `checksumOfDirectory`, `underLock`.
 */
export async function writeChecksum(
  server: Server,
  directory: string,
  options: { waitMs?: number; signal?: AbortSignal } = {},
): Promise<{ checksum: string; updates: string[] }> {
  const { manifest, modules } = server.paths;
  const { result } = await underLock(server, { purpose: 'updater legacy checksum', ...options }, async () => {
    const checksum = checksumOfDirectory(directory);
    const wanted = fs.realpathSync(directory);
    const isIts = (name: string): boolean => {
      const place = path.join(modules, name);
      return fs.existsSync(place) && fs.realpathSync(place) === wanted;
    };
    const updates = [...readManifest(manifest).updates.values()]
      .filter(({ name, module }) => isIts(module ?? name))
      .map(({ name }) => name);
    if (updates.length === 0)
      throw new OrchestratorError('usage', `no update in ${manifest} has the directory ${wanted}`);
    for (const name of updates) setInManifest(manifest, name, { checksum });
    return { checksum, updates };
  });
  return result;
}
