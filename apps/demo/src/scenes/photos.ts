import { createHash } from 'node:crypto';
import fs from 'node:fs';
import type { Stage } from '../stage.ts';

/** One digest of all photos: names, contents, modes. */
export function photosOf(stage: Stage): string {
  const hash = createHash('sha256');
  for (const name of fs.readdirSync(stage.at('photos')).sort()) {
    const file = stage.at('photos', name);
    hash.update(`${name}\0${fs.statSync(file).mode}\0`).update(fs.readFileSync(file));
  }
  return hash.digest('hex');
}

/** How many photos have this title. */
export function titled(stage: Stage, title: string): number {
  return fs.readdirSync(stage.at('photos')).filter((name) => stage.read('photos', name).startsWith(`${title}\n`))
    .length;
}
