import fs from 'node:fs';
import { describeEnd } from '@homeserver/system';
import { StateManagerError } from '../../errors.ts';
import type { ProgressMeter } from '../../progress.ts';
import { bytesRead, bytesWritten, watchBytes } from '../watch-bytes.ts';
import type { PostgresServer } from './postgres-server.ts';

/*
 * A dump is an archive in pg_dump's own format: unlike SQL text it cannot carry commands for psql, which would run as whoever
 * restores it (CVE-2025-8714), it is compressed, and single tables can be taken from it by hand.
 */

/** Level 1: a sixth larger at most than the default, in half the time. */
const FORMAT = ['--format=custom', '--compress=1'];
const LOCK_WAIT_MS = 120_000;

/** Writes the archive of a database to an open file. Throws unless pg_dump says that it is complete and its end is there. */
export async function dumpDatabase(
  server: PostgresServer,
  database: string,
  file: string,
  fd: number,
  meter?: ProgressMeter,
): Promise<void> {
  const args = [...FORMAT, '-w', `--lock-wait-timeout=${LOCK_WAIT_MS}`, '-d', server.conninfo(database)];
  const dump = (): Promise<unknown> => server.must('pg_dump', args, { output: fd, doing: 'pg_dump' });
  await watchBytes(meter, () => bytesWritten(fd), dump);
  await refuseIncomplete(server, file);
}

/**
 * An archive begins with its table of contents and has no trailer: what was cut off is missed only by who reads that far.
 * Throws unless the data that comes last is there to its end.
 */
export async function refuseIncomplete(server: PostgresServer, file: string): Promise<void> {
  const listed = await server.runHere('pg_restore', ['--list', file]);
  if (listed.exitCode !== 0) throw incomplete(server, file, listed.stderr.toString() || describeEnd(listed));
  const last = listed.stdout
    .toString()
    .split('\n')
    .findLast((line) => /^\d+; \d+ \d+ (TABLE DATA|BLOBS|BLOB DATA) /.test(line));
  if (last === undefined) return;
  const list = `${file}.list`;
  fs.writeFileSync(list, `${last}\n`, { mode: 0o600 });
  const read = await server.runHere('pg_restore', ['--data-only', `--use-list=${list}`, '--file=/dev/null', file]);
  fs.rmSync(list);
  if (read.exitCode !== 0) throw incomplete(server, file, read.stderr.toString() || describeEnd(read));
}

function incomplete({ purpose, address }: PostgresServer, file: string, why: string): StateManagerError {
  const [line = ''] = why.split('\n');
  return new StateManagerError(
    `cannot-${purpose}`,
    `cannot ${purpose} ${address}: the dump ${file} is not complete: ${line.replace(/^pg_restore: error: /, '')}`,
  );
}

/** Loads an archive (an open file, from its beginning) into an empty database. Stops at the first error, and throws it. */
export async function loadArchive(
  server: PostgresServer,
  database: string,
  fd: number,
  meter?: ProgressMeter,
): Promise<void> {
  const args = ['--exit-on-error', '-w', '-d', server.conninfo(database)];
  const load = (): Promise<unknown> =>
    server.must('pg_restore', args, { input: fd, doing: 'the dump cannot be loaded' });
  await watchBytes(meter, () => bytesRead(fd), load);
}
