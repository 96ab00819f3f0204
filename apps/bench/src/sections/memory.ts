import fs from 'node:fs';
import type { Bench } from '../bench.ts';
import { copy, copytreeAndSum, rsync } from '../commands/copies.ts';
import { borgRepository, resticRepository } from '../commands/repositories.ts';
import { newBackups } from '../commands/state-manager.ts';
import type { Finding } from '../finding.ts';
import type { Program } from '../programs.ts';
import { spreadOf } from '../statistics.ts';
import type { Command } from '../time-command.ts';
import { smallFiles } from '../trees/tree.ts';
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
    const ours = newBackups(bench);
    const findings: Finding[] = [];
    const measure = async (what: string, limit: number | undefined, command: Command): Promise<void> => {
      const megabytes = await peakMegabytes(bench, command);
      findings.push({ what, unit: 'MB', ...(limit === undefined ? {} : { limit }), measured: spreadOf([megabytes]) });
    };
    await measure(`memory of a first backup of T1`, LIMIT_MB, ours.backUp(tree.path));
    await measure(`memory of a second backup of T1`, LIMIT_MB, ours.backUp(tree.path));
    takeAway(bench, tree.path);
    await measure(`memory of a full restore of T1`, LIMIT_MB, ours.restore());
    const peers: [string, Program | undefined, () => Command | Promise<Command>][] = [
      ['`cp -a`', undefined, () => copy(tree.path, bench.fresh('copy'))],
      ['`rsync -a`', 'rsync', () => rsync(tree.path, bench.fresh('copy'))],
      ['the predecessor', 'python3', () => copytreeAndSum(tree.path, bench.fresh('copy'))],
      ['restic', 'restic', async () => (await resticRepository(bench)).backUp(tree.path)],
      ['borg', 'borg', async () => (await borgRepository(bench)).backUp(tree.path)],
    ];
    for (const [name, program, command] of peers) {
      if (program === undefined || bench.has(program)) {
        await measure(`  the same of ${name}, first backup`, undefined, await command());
      } else bench.notMeasured.push(`peak memory: ${name}: ${program} is not installed`);
    }
    return findings;
  },
};

/** By GNU time, which waits for the process and asks the kernel (wait4): its own peak, or that of a child if greater. */
async function peakMegabytes(bench: Bench, command: Command): Promise<number> {
  if (!bench.has('time')) throw new Error('time is not installed');
  const output = bench.fresh('memory');
  await bench.run({ ...command, argv: ['time', '--format=%M', `--output=${output}`, ...command.argv] });
  return (Number(fs.readFileSync(output, 'utf8')) * 1024) / MEGABYTE;
}
