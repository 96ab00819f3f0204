import { spawnSync } from 'node:child_process';
import { isThisMachine, type Architecture } from './architecture.ts';

interface Stripper {
  command: string;
  /** The Debian package that has it. */
  debianPackage: string;
}

const forOthers: Readonly<Record<Architecture, Stripper>> = {
  arm64: { command: 'aarch64-linux-gnu-strip', debianPackage: 'binutils-aarch64-linux-gnu' },
  x64: { command: 'x86_64-linux-gnu-strip', debianPackage: 'binutils-x86-64-linux-gnu' },
};

/** Takes the symbols out of a program. Where the command for it is not there: root installs it, others are told. */
export function strip(file: string, architecture: Architecture): void {
  const { command, debianPackage } = isThisMachine(architecture)
    ? { command: 'strip', debianPackage: 'binutils' }
    : forOthers[architecture];
  if (!isThere(command) && process.getuid?.() === 0 && isThere('apt-get'))
    spawnSync('apt-get', ['install', '--yes', '--quiet', debianPackage], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (!isThere(command)) {
    const effect = 'the executable keeps its symbols, and is about 17 MB larger';
    process.stderr.write(`${command} is missing (Debian package ${debianPackage}): ${effect}\n`);
    return;
  }
  const { status, stderr } = spawnSync(command, [file], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} failed: ${stderr}`);
}

function isThere(command: string): boolean {
  return spawnSync(command, ['--version']).error === undefined;
}
