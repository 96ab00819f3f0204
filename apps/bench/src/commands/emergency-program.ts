import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { executablePath, makeExecutable, thisArchitecture } from '@homeserver/program-build';
import type { Bench } from '../bench.ts';

const emergencyApp = path.dirname(
  createRequire(import.meta.url).resolve('@homeserver/rollback-standalone/package.json'),
);

/** Makes the emergency program of what is built now, as `npm run build:rollback` does, and says where it is. */
export function emergencyProgram(bench: Bench): Promise<string> {
  return bench.once('the emergency program', async () => {
    await bench.run({ argv: [process.execPath, path.join(emergencyApp, 'make-executable.ts')] });
    return executablePath(emergencyApp, thisArchitecture());
  });
}

/** A single executable of the same Node, made in the same way, whose program is empty: nothing can start sooner. */
export function makeEmptyProgram(bench: Bench): string {
  const directory = bench.freshDirectory('empty-program');
  const [main, output] = [path.join(directory, 'main.cjs'), path.join(directory, 'empty')];
  fs.writeFileSync(main, '');
  makeExecutable({ output, main, assets: {}, architecture: thisArchitecture() });
  return output;
}
