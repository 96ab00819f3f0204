import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { temporaryDirectory, type TreeNode } from '@homeserver/test-support';
import { buildRelease, writeManifest } from '../../build-release.ts';

/** Stands for the version in the one release that is built; real ones are made of it by writing theirs in its place. */
const STAND_IN = '77.77.77-stand-in';
let built: Promise<string> | undefined;
const places: string[] = [];
afterAll(() => {
  for (const place of places) fs.rmSync(place, { recursive: true });
});

/** Once for all tests of a file. */
async function builtRelease(): Promise<string> {
  const place = fs.mkdtempSync(path.join(os.tmpdir(), 'homeserver-release-'));
  places.push(place);
  const directory = path.join(place, 'orchestrator');
  await buildRelease(directory, STAND_IN);
  return directory;
}

interface ReleaseSpec {
  /** What index.json says. */
  version: string;
  /** What the release is, if that is something else. */
  builtAs?: string;
  /** Source of index.mjs in place of the real one, which is `./real.mjs` then. */
  index?: string;
  /** Done to the directory when release.json is written already. */
  damage?: (directory: string) => void;
}

/** A tree for `repository.commit`: index.json and `orchestrator/`, a real release of this checkout with what is wrong with it. */
export async function releaseTree({
  version,
  builtAs = version,
  index,
  damage,
}: ReleaseSpec): Promise<{ [name: string]: TreeNode }> {
  built ??= builtRelease();
  const directory = path.join(temporaryDirectory(), 'orchestrator');
  fs.cpSync(await built, directory, { recursive: true });
  for (const name of fs.readdirSync(directory).filter((file) => file.endsWith('.mjs'))) {
    const file = path.join(directory, name);
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replaceAll(STAND_IN, builtAs));
  }
  if (index !== undefined) {
    fs.renameSync(path.join(directory, 'index.mjs'), path.join(directory, 'real.mjs'));
    fs.writeFileSync(path.join(directory, 'index.mjs'), index);
  }
  writeManifest(directory, builtAs);
  damage?.(directory);
  const files = fs.readdirSync(directory).map((file) => [file, fs.readFileSync(path.join(directory, file))]);
  return {
    'index.json': `${JSON.stringify({ metadata: { schema_version: version, channel: 'stable' } })}\n`,
    orchestrator: Object.fromEntries(files) as { [name: string]: TreeNode },
  };
}
