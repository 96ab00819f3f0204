import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { buildPackage } from './build-package.ts';

/*
 * `npm run package`: makes build/homeserver-updates_<version>_<architecture>.deb of the executables that were just made.
 */

const root = path.join(import.meta.dirname, '../../..');
const version = answer(path.join(root, 'apps/updater/build/updater'), ['--version']);
const given = process.env['SOURCE_DATE_EPOCH'];
const sourceDate = Number(given ?? (answer('git', ['-C', root, 'log', '-1', '--format=%ct']) || 0));
const file = buildPackage(path.join(import.meta.dirname, '../build'), { version, sourceDate });
process.stdout.write(`${path.relative(process.cwd(), file)}: ${(fs.statSync(file).size / 1e6).toFixed(1)} MB\n`);

function answer(command: string, args: readonly string[]): string {
  return spawnSync(command, args, { encoding: 'utf8' }).stdout?.trim() ?? '';
}
