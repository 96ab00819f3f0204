import fs from 'node:fs';
import { expect } from 'vitest';
import { namesIn } from '../src/names-in.ts';
import type { Scene } from './scene.ts';

/** Matches a StateManagerError. */
export const coded = (code: string, message: string | RegExp = ''): unknown =>
  expect.objectContaining({ name: 'StateManagerError', code, message: expect.stringMatching(message) as string });

/** The files of the open intents. */
export const journalOf = (here: Scene): string[] => namesIn(`${here.backupDir}/journal`);

/** No open intents, no pointers, nothing half-made, and no older backup that only an open change could need. */
export function expectNothingOpen(here: Scene): void {
  expect([journalOf(here), namesIn(`${here.stateDir}/intents`), here.stateManager().hasOpenChanges()]).toEqual([
    [],
    [],
    false,
  ]);
  const places = [here.backupDir, here.stateDir, here.live];
  const names = places
    .filter((place) => fs.existsSync(place))
    .flatMap((place) => fs.readdirSync(place, { recursive: true, encoding: 'utf8' }));
  expect(names.filter((name) => /\.homeserver-updates-|_backup\.[0-9a-f]{12}/.test(name))).toEqual([]);
}
