import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { architecturesFrom, debianName, type Architecture } from '@homeserver/program-build';
import { buildPackage } from './build-package.ts';

/*
 * `npm run package`: makes build/homeserver-updates_<version>_<architecture>.deb of the programs that were just built, for
 * this kind of machine or for those that `--arch` names.
 */

const root = path.join(import.meta.dirname, '../../..');
const output = path.join(import.meta.dirname, '../build');

const architectures = architecturesFrom(process.argv.slice(2), 'npm run package --');
const version = answer(process.execPath, [path.join(root, 'apps/updater/bin/updater.js'), '--version']);
const given = process.env['SOURCE_DATE_EPOCH'];
const sourceDate = Number(given ?? (answer('git', ['-C', root, 'log', '-1', '--format=%ct']) || 0));
for (const architecture of architectures) {
  for (const app of ['updater', 'rollback-standalone']) makeExecutable(app, architecture);
  const file = buildPackage(output, { version, sourceDate, architecture });
  process.stdout.write(`${path.relative(process.cwd(), file)}: ${(fs.statSync(file).size / 1e6).toFixed(1)} MB\n`);
}

function makeExecutable(app: string, architecture: Architecture): void {
  const args = [path.join(root, 'apps', app, 'make-executable.ts'), '--arch', debianName(architecture)];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

function answer(command: string, args: readonly string[]): string {
  return spawnSync(command, args, { encoding: 'utf8' }).stdout?.trim() ?? '';
}
