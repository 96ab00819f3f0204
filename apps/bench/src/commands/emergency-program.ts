import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Bench } from '../bench.ts';

const emergencyApp = path.dirname(
  createRequire(import.meta.url).resolve('@homeserver/rollback-standalone/package.json'),
);
/** Of the package whose dependency makes single executables. */
const programBuild = path.resolve(import.meta.dirname, '../../../../packages/program-build/package.json');
const SENTINEL = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'; // Node looks there for the blob.

/** Makes the emergency program of what is built now, as `npm run build:rollback` does, and says where it is. */
export async function makeEmergencyProgram(bench: Bench): Promise<string> {
  await bench.run({ argv: [process.execPath, path.join(emergencyApp, 'make-executable.ts')] });
  return path.join(emergencyApp, 'build', 'rollback-standalone');
}

/** A single executable of the same Node, made with the same options, whose program is empty: nothing can start sooner. */
export async function makeEmptyProgram(bench: Bench): Promise<string> {
  const directory = bench.freshDirectory('empty-program');
  const [main, output, config, program] = ['main.cjs', 'blob', 'config.json', 'empty'].map((name) =>
    path.join(directory, name),
  ) as [string, string, string, string];
  fs.writeFileSync(main, '');
  const options = { disableExperimentalSEAWarning: true, useCodeCache: true, execArgv: ['--no-warnings'] };
  fs.writeFileSync(config, JSON.stringify({ main, output, ...options, execArgvExtension: 'none' }));
  fs.copyFileSync(process.execPath, program);
  fs.chmodSync(program, 0o755);
  const postject = createRequire(programBuild).resolve('postject/dist/cli.js');
  await bench.run({ argv: [process.execPath, '--experimental-sea-config', config] });
  await bench.run({
    argv: [process.execPath, postject, program, 'NODE_SEA_BLOB', output, '--sentinel-fuse', SENTINEL],
  });
  return program;
}
