import fs from 'node:fs';
import { StateManagerError } from '../../errors.ts';
import type { ProgressMeter } from '../../progress.ts';
import { TextFingerprint } from '../text-fingerprint.ts';
import { bytesWritten, watchBytes } from '../watch-bytes.ts';
import type { DatabaseContent } from './database-content.ts';
import type { MariadbServer } from './mariadb-server.ts';
import { identifier } from './sql-text.ts';

/*
 * A dump is three texts, in the order in which they are loaded: tables with their rows; programs (triggers, routines, views);
 * events. Programs are apart because a restore puts them in place by other means than tables, events because they would run
 * wherever they are loaded.
 */

const TRAILER = '-- Dump completed';

/** Tables and rows, as of one instant. */
export function tableArguments(database: string, content: DatabaseContent): string[] {
  const isStill = content.withoutTransactions.length === 0;
  return [
    isStill ? '--single-transaction' : '--lock-tables',
    '--skip-triggers',
    ...(content.versioned.length === 0 ? [] : ['--dump-history']),
    ...content.views.map((view) => `--ignore-table=${database}.${view}`),
    '--',
    database,
  ];
}

/** Writes a dump to an open file. Throws unless the dump program says that it is complete and its end is there. */
export async function dumpTo(
  server: MariadbServer,
  fd: number,
  args: readonly string[],
  meter?: ProgressMeter,
): Promise<void> {
  await watchBytes(
    meter,
    () => bytesWritten(fd),
    () => server.dump(args, { output: fd }),
  );
  refuseIncomplete(server, fd);
}

/** Throws unless the text of an open file ends as a complete dump does. */
export function refuseIncomplete(server: MariadbServer, fd: number): void {
  const { size } = fs.fstatSync(fd);
  const end = Buffer.alloc(Math.min(size, 200));
  fs.readSync(fd, end, 0, end.length, size - end.length);
  if (!/^-- Dump completed[^\n]*\n$/m.test(end.toString('latin1').slice(end.lastIndexOf(TRAILER)))) {
    const { purpose, address } = server;
    throw new StateManagerError(`cannot-${purpose}`, `cannot ${purpose} ${address}: the dump is not complete`);
  }
}

/** SQL as latin1, whatever is in it. Triggers are apart: they alone must go before tables can be moved. */
export interface ProgramsText {
  triggers: string;
  /** Routines, then views. */
  others: string;
}

const NO_TABLES = ['--no-data', '--no-create-info', '--single-transaction'];

/**
 * All programs but the events; each is dropped first where it is loaded. `broken`: also what refers to something that is gone,
 * and so cannot be made again as long as that is so; else it throws for that.
 */
export async function dumpPrograms(
  server: MariadbServer,
  database: string,
  { views }: DatabaseContent,
  broken: 'refuse' | 'include' = 'refuse',
): Promise<ProgramsText> {
  const dump = (...args: string[]): Promise<string> =>
    dumpText(server, broken === 'refuse' ? args : ['--force', ...args], broken);
  const triggers = await dump('--triggers', '--add-drop-trigger', ...NO_TABLES, '--', database);
  const routines = await dump('--routines', '--skip-triggers', ...NO_TABLES, '--', database);
  if (views.length === 0) return { triggers, others: routines };
  const names = ['--', database, ...views];
  return {
    triggers,
    others: routines + (await dump('--no-data', '--skip-triggers', '--single-transaction', ...names)),
  };
}

export async function dumpEvents(server: MariadbServer, database: string): Promise<string> {
  return dumpText(server, ['--events', '--skip-triggers', ...NO_TABLES, '--', database]);
}

const MAX_PROGRAM_BYTES = 512 * 1024 * 1024;

async function dumpText(server: MariadbServer, args: readonly string[], broken = 'refuse'): Promise<string> {
  const result = await server.runDump(args, { maxOutputBytes: MAX_PROGRAM_BYTES });
  if (result.exitCode !== 0 && broken === 'refuse')
    throw server.failure(result, { doing: 'its programs cannot be dumped' });
  const text = result.stdout.toString('latin1');
  if (!result.truncated && text.includes(`\n${TRAILER}`)) return text;
  throw server.failure(result, { doing: 'the dump of its programs is not complete' });
}

/**
 * Programs for another database than the one they were dumped from. The dump changes the standard collation of its database,
 * by name, around programs that were made under another one: loaded elsewhere, that would change the live database.
 */
export function forDatabase(programs: string, database: string, other: string): string {
  const [from, to] = [database, other].map((name) => Buffer.from(identifier(name)).toString('latin1'));
  const start = `ALTER DATABASE ${from} CHARACTER SET `;
  return programs
    .split('\n')
    .map((line) =>
      line.startsWith(start) ? `ALTER DATABASE ${to}${line.slice(start.length - ' CHARACTER SET '.length)}` : line,
    )
    .join('\n');
}

/** Whether two dumps of programs are the same but for hosts and versions. */
export function isSameDump(one: string, other: string): boolean {
  const [first, second] = [one, other].map((text) =>
    text.replaceAll(/^-- (?:MariaDB dump|MySQL dump|Host:|Server version).*$/gm, ''),
  );
  return first === second;
}

const FIRST_STATEMENT = '\n/*!40';

/** Whether the tables and rows of a database are those of a dump. Stops reading where they differ. */
export async function hasTablesOf(
  server: MariadbServer,
  database: string,
  content: DatabaseContent,
  file: string,
): Promise<boolean> {
  const dumped = new TextFingerprint(FIRST_STATEMENT);
  for await (const chunk of fs.createReadStream(file)) dumped.add(chunk as Buffer);
  const wanted = dumped.end();
  const live = new TextFingerprint(FIRST_STATEMENT);
  const different = new AbortController();
  try {
    await server.dump(tableArguments(database, content), {
      maxOutputBytes: 4096,
      signal: different.signal,
      onOutput: (chunk, stream) => {
        if (stream === 'stdout') live.add(chunk);
        if (!live.isBeginningOf(wanted)) different.abort();
      },
    });
  } catch {
    return false; // They differ; or it cannot be dumped, and so is not what was captured.
  }
  return live.end().join() === wanted.join();
}
