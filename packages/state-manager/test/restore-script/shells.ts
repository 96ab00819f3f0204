import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { describeTree, ensureDebianPackages } from '@homeserver/test-support';

const packages: Record<string, string> = { dash: 'dash', bash: 'bash', busybox: 'busybox-static' };
const absent = Object.keys(packages).filter((program) => !isThere(program));
if (absent.length > 0) await ensureDebianPackages(absent.map((program) => packages[program] ?? program));

/** The shells that restore.sh is tried with; one that is missing is installed by root, else left out, and that is said. */
export const shells: string[][] = [['dash'], ['bash', '--posix'], ['busybox', 'sh']].filter(([program = '']) => {
  if (isThere(program)) return true;
  process.stderr.write(`left out, because it is not installed: restore.sh under ${program}\n`);
  return false;
});

function isThere(program: string): boolean {
  return spawnSync(program, ['-c', ':']).error === undefined;
}

export interface End {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** Without a terminal, and with nothing in the environment. */
export function runScript(command: readonly string[], cwd: string = '/'): End {
  const [file = '', ...args] = command;
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'latin1', input: '', env: {}, cwd });
  return { exitCode: status, stdout, stderr };
}

/** All that restore.sh promises of a tree: everything but the times of links, and times below a second. */
export function promised(root: string): string[] | undefined {
  if (fs.lstatSync(root, { throwIfNoEntry: false }) === undefined) return undefined;
  return describeTree(root).map((line) =>
    line
      .replace(/^([^]* link \d+ \d+:\d+) -?\d+ /, '$1 ')
      .replace(/^([^]* (?:file|dir|fifo) \d+ \d+:\d+) (-?\d+)/, (_, facts, ns) => `${facts} ${secondOf(BigInt(ns))}`),
  );
}

/** The last second before 1970 counts as the first after: busybox cannot set it. */
function secondOf(ns: bigint): bigint {
  const second = ns / 1_000_000_000n - (ns % 1_000_000_000n < 0n ? 1n : 0n);
  return second === -1n ? 0n : second;
}
