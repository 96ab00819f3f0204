import { startPostgres, type DatabaseServer } from '@homeserver/test-support';
import type { Bench } from '../bench.ts';
import { fillPostgres, makeSqlite, PG_ADMINISTRATOR, pgDump, postgresProgram, sqlite } from '../commands/databases.ts';
import { newBackups } from '../commands/state-manager.ts';
import { ratioFinding, type Finding } from '../finding.ts';
import type { Contender } from '../race.ts';
import { OURS, type Section } from './section.ts';

const PROVEN = 'state-manager, with the scratch restore';
const VACUUM_INTO = '`VACUUM INTO`';
const PG_DUMP = '`pg_dump`, as we call it';
const LIMIT = 1.1;

/** One database that nobody uses meanwhile. The scratch restore that proves a dump is optional, and a row of its own. */
export const databases: Section = {
  name: 'databases',
  title: 'backup of a SQLite and a PostgreSQL database',
  needs: ['sqlite3', 'pg_dump'],
  measure: async (bench) => [
    ...(bench.has('sqlite3') ? await measureSqlite(bench) : missing(bench, 'sqlite3')),
    ...(bench.has('pg_dump') ? await measurePostgres(bench) : missing(bench, 'pg_dump')),
  ],
};

function missing(bench: Bench, program: string): Finding[] {
  bench.notMeasured.push(`backup of a database: ${program} is not installed`);
  return [];
}

function ours(bench: Bench, connection: Record<string, unknown>): Contender[] {
  const backUp =
    (proveRestorable: boolean): Contender['prepare'] =>
    () =>
      newBackups(bench).backUp({ databases: [connection], proveRestorable });
  return [
    { name: OURS, prepare: backUp(false) },
    { name: PROVEN, prepare: backUp(true) },
  ];
}

async function measureSqlite(bench: Bench): Promise<Finding[]> {
  const { databaseBytes, rounds } = bench.scale;
  const database = await makeSqlite(bench, databaseBytes);
  const race = await bench.race({
    id: 'sqlite',
    title: `backup of a SQLite database of ${Math.round(databaseBytes / 1e6)} MB`,
    baseline: VACUUM_INTO,
    rounds,
    bytesPerRun: 1.5 * databaseBytes,
    contenders: [
      { name: VACUUM_INTO, prepare: () => sqlite(database, `vacuum into '${bench.fresh('copy.db')}'`) },
      { name: '`sqlite3 .backup`', prepare: () => sqlite(database, `.backup '${bench.fresh('copy.db')}'`) },
      ...ours(bench, { type: 'sqlite', database }),
    ],
  });
  const what = 'backup of a SQLite database';
  return [
    ratioFinding(race, { what, ours: OURS, baseline: VACUUM_INTO, limit: LIMIT }),
    ratioFinding(race, { what: `${what}, proven`, ours: PROVEN, baseline: VACUUM_INTO }),
  ];
}

async function measurePostgres(bench: Bench): Promise<Finding[]> {
  const server = await startPostgres();
  try {
    return await measureOn(server, bench);
  } finally {
    await server.stop();
  }
}

async function measureOn(server: DatabaseServer, bench: Bench): Promise<Finding[]> {
  const { databaseBytes, rounds } = bench.scale;
  const database = 'benchmark';
  const { socket, port } = server;
  // Root becomes the administrator by itself.
  const user = process.getuid?.() === 0 ? {} : { user: PG_ADMINISTRATOR };
  await fillPostgres(server, database, databaseBytes);
  const program = postgresProgram('pg_dump') ?? 'pg_dump';
  const dump =
    (...options: string[]): Contender['prepare'] =>
    () =>
      pgDump(server, database, { program, file: bench.fresh('dump'), options });
  const race = await bench.race({
    id: 'postgresql',
    title: `backup of a PostgreSQL database of ${Math.round(databaseBytes / 1e6)} MB`,
    baseline: PG_DUMP,
    rounds,
    bytesPerRun: databaseBytes,
    contenders: [
      { name: PG_DUMP, prepare: dump('--compress=1') },
      { name: '`pg_dump -Fc`', prepare: dump() },
      ...ours(bench, { type: 'postgresql', socket, port, database, ...user }),
    ],
  });
  const what = 'backup of a PostgreSQL database';
  return [
    ratioFinding(race, { what, ours: OURS, baseline: PG_DUMP, limit: LIMIT }),
    ratioFinding(race, { what: `${what}, proven`, ours: PROVEN, baseline: PG_DUMP }),
  ];
}
