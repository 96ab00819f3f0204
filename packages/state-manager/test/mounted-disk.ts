import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '@homeserver/test-support';
import type { Scene } from './scene.ts';

/** A dead machine: its backups are the scene's, and its disk is mounted at `disk`, where the live tree was copied to. */
export function mounted(here: Scene): { disk: string; at: (...names: string[]) => string } {
  const disk = temporaryDirectory();
  fs.mkdirSync(path.join(disk, path.dirname(here.live)), { recursive: true });
  execFileSync('cp', ['-a', here.live, path.join(disk, here.live)]);
  return { disk, at: (...names) => path.join(disk, here.live, ...names) };
}
