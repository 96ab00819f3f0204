import fs from 'node:fs';
import os from 'node:os';
import { reasonOf } from '@homeserver/system';
import { Bench } from './bench.ts';
import { formatResults } from './format-results.ts';
import { HELP, parseArguments, type Arguments } from './parse-arguments.ts';
import { findPrograms, installPrograms, packagesOf, type Programs } from './programs.ts';
import { runBench } from './run-bench.ts';
import type { Section } from './sections/section.ts';
import { UsageError } from './usage-error.ts';
import { makeFileSystem, makeFolder, type Workplace } from './workplace.ts';
import { writeResults } from './write-results.ts';

/*
 * `npm run bench`: what we do, beside what others do, in turn and on the same machine. A missed target is a result; the
 * exit code only says whether everything was measured.
 */
const EXIT = { done: 0, unexpected: 1, usage: 2, notMeasured: 3, signal: 128 } as const;

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort(signal));
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    const given = parseArguments(args);
    if (given.help) process.stdout.write(HELP);
    return given.help ? EXIT.done : await measure(given);
  } catch (error) {
    if (stop.signal.aborted) return EXIT.signal + os.constants.signals[stop.signal.reason as NodeJS.Signals];
    process.stderr.write(`bench: ${reasonOf(error)}\n`);
    return error instanceof UsageError ? EXIT.usage : EXIT.unexpected;
  }
}

async function measure({ scale, sections, directory, inPlace, json }: Arguments): Promise<number> {
  const startedAt = Date.now();
  const programs = await providePrograms(sections);
  fs.mkdirSync(directory, { recursive: true });
  tellLeftovers(directory);
  const work = inPlace ? makeFolder(directory) : makeWorkplace(directory);
  try {
    say(
      `${os.cpus().length} CPUs, load ${os.loadavg()[0]?.toFixed(1)}; everything is read from the page cache; in ${work.directory}`,
    );
    const bench = new Bench({ directory: work.directory, scale, programs, say, signal: stop.signal });
    const results = await runBench(bench, sections, stop.signal);
    for (const line of formatResults(results)) say(line);
    writeResults(json, results, { scale, startedAt });
    say(`\nAll timings: ${json}`);
    return results.notMeasured.length === 0 ? EXIT.done : EXIT.notMeasured;
  } finally {
    say(`Removing ${work.directory} ...`);
    work.remove();
  }
}

function makeWorkplace(directory: string): Workplace {
  try {
    if (process.getuid?.() === 0) return makeFileSystem(directory);
    say(
      'Not as root, and so on a file system that others use: what was removed there lately slows down what makes files',
    );
  } catch (error) {
    const [why] = reasonOf(error).split('\n');
    say(`On a file system that others use: what was removed there lately slows down what makes files (${why})`);
  }
  return makeFolder(directory);
}

async function providePrograms(sections: readonly Section[]): Promise<Programs> {
  const wanted = new Set(sections.flatMap(({ needs }) => needs));
  const missing = (found: Programs) => [...wanted].filter((program) => !found.has(program));
  await installPrograms(missing(findPrograms(wanted)), say);
  const programs = findPrograms(wanted);
  const absent = missing(programs);
  if (absent.length > 0) {
    say(`NOT INSTALLED, and so not measured: ${absent.join(', ')}`);
    say(`  as root: apt-get install ${packagesOf(absent).join(' ')}`);
  }
  return programs;
}

/** Only a kill -9 leaves a folder; it may be large, and it may be that of another run that is still at work. */
function tellLeftovers(directory: string): void {
  const left = fs.readdirSync(directory).filter((name) => name.startsWith('bench-'));
  if (left.length === 0) return;
  say(`In ${directory} are folders of other runs: ${left.join(', ')}`);
  say('  one that was killed goes with: umount FOLDER/ext4; rm -r FOLDER');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
