import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { isThisMachine, type Architecture } from './architecture.ts';

const forOthers = path.join(import.meta.dirname, '../node-for-others');
const pnpm = path.join(import.meta.dirname, '../../../node_modules/.bin/pnpm');

/**
 * The Node that goes into programs for a kind of machine: the one that runs this, or the same version from the npm registry,
 * as the lockfile in node-for-others/ pins it (50 MB, once). Throws when it cannot be had, with code 'ENOTFOUND' when the
 * registry does not answer.
 */
export function nodeFor(architecture: Architecture): string {
  if (isThisMachine(architecture)) return process.execPath;
  const args = ['install', '--ignore-workspace', '--frozen-lockfile', '--prefer-offline'];
  const platform = ['--os', 'linux', '--cpu', architecture];
  const { stdout, stderr, error } = spawnSync(pnpm, [...args, ...platform], { cwd: forOthers, encoding: 'utf8' });
  const installed = path.join(forOthers, `node_modules/node-linux-${architecture}`);
  if (!fs.existsSync(installed)) throw error ?? notInstalled(architecture, `${stdout}${stderr}`);
  const { version } = JSON.parse(fs.readFileSync(path.join(installed, 'package.json'), 'utf8')) as { version: string };
  if (version !== process.versions.node)
    throw new Error(
      `node-for-others has Node ${version} for ${architecture}, but this is Node ${process.versions.node}: a program needs the one that it is made by`,
    );
  return path.join(installed, 'bin/node');
}

function notInstalled(architecture: Architecture, said: string): Error {
  const reason = /^ERR_PNPM.*$/m.exec(said)?.[0] ?? said.trim();
  const error = new Error(`cannot install Node for ${architecture}: ${reason}`);
  return /could not be fetched/.test(said) ? Object.assign(error, { code: 'ENOTFOUND' }) : error;
}
