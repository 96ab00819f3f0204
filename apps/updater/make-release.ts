import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildRelease } from './build-release.ts';

/*
 * The command line of buildRelease: `orchestrator/` of the repository that servers pull.
 */

const USAGE = 'usage: npm run build:release -- --output DIRECTORY [--release VERSION]';

const { output, release } = readArguments();
const work = fs.mkdtempSync(path.join(path.dirname(output), '.release-'));
try {
  const made = path.join(work, 'orchestrator');
  const version = await buildRelease(made, release);
  fs.rmSync(output, { recursive: true, force: true });
  fs.renameSync(made, output);
  report(version);
} finally {
  fs.rmSync(work, { recursive: true });
}

function readArguments(): { output: string; release: string | undefined } {
  try {
    const { values } = parseArgs({ options: { output: { type: 'string' }, release: { type: 'string' } } });
    if (values.output === undefined) throw new Error('--output is missing');
    if (values.release !== undefined && !/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(values.release))
      throw new Error(`--release: ${values.release} is no version such as 1.2.0`);
    const directory = path.resolve(values.output);
    refuseToOverwrite(directory);
    fs.mkdirSync(path.dirname(directory), { recursive: true });
    return { output: directory, release: values.release };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}\n`);
    process.exit(2);
  }
}

/** What is replaced must be a release, or nothing. */
function refuseToOverwrite(directory: string): void {
  if (!fs.existsSync(directory) || fs.existsSync(path.join(directory, 'release.json'))) return;
  if (fs.readdirSync(directory).length > 0) throw new Error(`${directory} holds something else than a release`);
}

function report(version: string): void {
  const names = fs.readdirSync(output);
  const megabytes = names.reduce((sum, name) => sum + fs.statSync(path.join(output, name)).size, 0) / 1e6;
  const machines = names.flatMap((name) => /^koffi-(.+)\.node$/.exec(name)?.[1] ?? []);
  process.stdout.write(
    `${output}: updater ${version}, ${names.length} files, ${megabytes.toFixed(1)} MB, for ${machines.join(' and ')}\n` +
      `Servers take it when index.json beside it says metadata.schema_version ${version}.\n`,
  );
}
