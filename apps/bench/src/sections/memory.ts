import fs from 'node:fs';
import type { Bench } from '../bench.ts';
import { copy, copytreeAndSum, rsync } from '../commands/copies.ts';
import { borgRepository, resticRepository } from '../commands/repositories.ts';
import { newBackups } from '../commands/state-manager.ts';
import type { Finding } from '../finding.ts';
import type { Program } from '../programs.ts';
import { spreadOf } from '../statistics.ts';
import type { Command } from '../time-command.ts';
import { manyFiles, smallFiles, type Tree } from '../trees/tree.ts';
import { takeAway } from './existing-backups.ts';
import type { Section } from './section.ts';

const MEGABYTE = 1e6;
const LIMIT_MB = 200;

/** The greatest memory of one process of each program, as the kernel counts it; one run each. */
export const memory: Section = {
  name: 'memory',
  title: 'peak memory for T1',
  needs: ['time', 'rsync', 'python3', 'restic', 'borg'],
  measure: async (bench) => {
    const tree = await smallFiles(bench);
    bench.reserve(8 * tree.bytes, 'peak memory');
    bench.say('Measuring peak memory for T1 ...');
    return [...(await ours(bench, tree, 'T1', LIMIT_MB)), ...(await peers(bench, tree))];
  },
};

/** What a whole data disk asks for; there is no limit in MB, but it must not grow with the content. */
export const memoryOfMany: Section = {
  name: 'million',
  title: 'peak memory for 1,000,000 files (only by name)',
  onlyByName: true,
  needs: ['time'],
  measure: async (bench) => {
    const tree = await manyFiles(bench);
    bench.reserve(3 * tree.bytes, tree.title);
    bench.say(`Measuring peak memory for ${tree.title} ...`);
    return ours(bench, tree, tree.title, undefined);
  },
};

async function ours(bench: Bench, tree: Tree, short: string, limit: number | undefined): Promise<Finding[]> {
  const backups = newBackups(bench);
  const first = await peak(
    bench,
    `memory of a first backup of ${short}`,
    backups.backUp({ files: [tree.path] }),
    limit,
  );
  const second = await peak(
    bench,
    `memory of a second backup of ${short}`,
    backups.backUp({ files: [tree.path] }),
    limit,
  );
  takeAway(bench, tree.path);
  return [first, second, await peak(bench, `memory of a full restore of ${short}`, backups.restore(), limit)];
}

async function peers(bench: Bench, tree: Tree): Promise<Finding[]> {
  const firstBackups: [string, Program | undefined, () => Command | Promise<Command>][] = [
    ['`cp -a`', undefined, () => copy(tree.path, bench.fresh('copy'))],
    ['`rsync -a`', 'rsync', () => rsync(tree.path, bench.fresh('copy'))],
    ['the predecessor', 'python3', () => copytreeAndSum(tree.path, bench.fresh('copy'))],
    ['restic', 'restic', async () => (await resticRepository(bench)).backUp(tree.path)],
    ['borg', 'borg', async () => (await borgRepository(bench)).backUp(tree.path)],
  ];
  const findings: Finding[] = [];
  for (const [name, program, command] of firstBackups) {
    if (program === undefined || bench.has(program)) {
      findings.push(await peak(bench, `  the same of ${name}, first backup`, await command()));
    } else bench.notMeasured.push(`peak memory: ${name}: ${program} is not installed`);
  }
  return findings;
}

/** By GNU time, which waits for the process and asks the kernel (wait4): its own peak, or that of a child if greater. */
async function peak(bench: Bench, what: string, command: Command, limit?: number): Promise<Finding> {
  if (!bench.has('time')) throw new Error('time is not installed');
  const output = bench.fresh('memory');
  await bench.run({ ...command, argv: ['time', '--format=%M', `--output=${output}`, ...command.argv] });
  const megabytes = (Number(fs.readFileSync(output, 'utf8')) * 1024) / MEGABYTE;
  return { what, unit: 'MB', ...(limit === undefined ? {} : { limit }), measured: spreadOf([megabytes]) };
}
