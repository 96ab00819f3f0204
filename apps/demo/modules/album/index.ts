import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ModuleContext, ModuleResult } from '@homeserver/orchestrator';

interface AlbumConfig {
  directory: string;
  /** Makes the change slow enough to be interrupted. */
  pauseMs: number;
  /** Breaks the module after so many photos. */
  failAfter: number | null;
}

/** Stamps every photo with this version; all of them, or none. */
export async function main(_args: string[], context: ModuleContext): Promise<ModuleResult> {
  const { directory, pauseMs, failAfter } = context.config as unknown as AlbumConfig;
  const photos = readdirSync(directory).sort();
  const titleOf = (photo: string): string => readFileSync(join(directory, photo), 'utf8').split('\n')[0] ?? '';
  const wanted = `title ${context.version}`;
  const stale = photos.filter((photo) => titleOf(photo) !== wanted);
  const titles = [...new Set(photos.map(titleOf))].join(' and ');
  context.log.info(`${photos.length} photos with "${titles}"`);
  if (stale.length === 0) return { success: true, changed: false };

  await context.state.guard('album', { files: [directory] }, async () => {
    for (const [done, photo] of stale.entries()) {
      if (done === failAfter) throw new Error(`photo ${done + 1} of ${stale.length} cannot be written`);
      const [, ...rest] = readFileSync(join(directory, photo), 'utf8').split('\n');
      writeFileSync(join(directory, photo), [wanted, ...rest].join('\n'));
      await sleep(pauseMs);
    }
  });
  return { success: true, changed: true };
}
