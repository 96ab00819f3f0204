import fs from 'node:fs';
import path from 'node:path';
import { forFs, parentPath, pathFromJson, pathToJson, showPath, toRawPath, type RawPath } from '@homeserver/system';
import { z } from 'zod';
import type { CapturedFiles } from '../files/file-record.ts';
import { ProgressMeter } from '../progress.ts';
import { addTo, emptyReport } from '../source-report.ts';
import type { PreparedRestore, StateSource } from '../state-source.ts';
import { addressOf, type DatabaseConnection } from './connection.ts';
import type { DatabaseEngine, PreparedCapture } from './database-engine.ts';
import { refuseTooLittleRoom } from './database-room.ts';
import { mariadbEngine } from './mariadb/mariadb-engine.ts';
import { capturedMariadbSchema, type CapturedMariadb } from './mariadb/mariadb-record.ts';
import { postgresEngine } from './postgresql/postgres-engine.ts';
import { capturedPostgresSchema, type CapturedPostgres } from './postgresql/postgres-record.ts';
import { companionsOf, realDatabasePath } from './sqlite/database-path.ts';
import { sqliteEngine } from './sqlite/sqlite-engine.ts';
import { capturedSqliteSchema, type CapturedSqlite } from './sqlite/sqlite-record.ts';

export interface WantedDatabases {
  connections: readonly DatabaseConnection[];
  /** Prove each dump by restoring it into a scratch database; default true. */
  proveRestorable?: boolean;
}

export type CapturedDatabase = CapturedPostgres | CapturedMariadb | CapturedSqlite;

/** The `databases` section of manifest.json, in the order in which they were asked for. */
export type CapturedDatabases = CapturedDatabase[];

export const capturedDatabasesSchema: z.ZodType<CapturedDatabases> = z.array(
  z.union([capturedPostgresSchema, capturedMariadbSchema, capturedSqliteSchema]),
);

type Engine = DatabaseEngine<DatabaseConnection, CapturedDatabase>;

const engines: Readonly<Record<CapturedDatabase['engine'], Engine>> = {
  postgresql: postgresEngine as Engine,
  mariadb: mariadbEngine as Engine,
  sqlite: sqliteEngine as Engine,
};

/** MySQL speaks MariaDB's language. */
function engineOf({ type }: DatabaseConnection): Engine {
  return engines[type === 'mysql' ? 'mariadb' : type];
}

/** One text for one database, for people too. */
export function keyOfDatabase(connection: DatabaseConnection): string {
  return connection.type === 'sqlite' ? showPath(realDatabasePath(connection.database)) : addressOf(connection);
}

/** The files that are databases, with what SQLite keeps beside them: the files source is to leave them alone. */
export function filesOfDatabases(connections: readonly DatabaseConnection[]): (string | Buffer)[] {
  return connections.flatMap((connection) => {
    if (connection.type !== 'sqlite') return [];
    const real = realDatabasePath(connection.database);
    return [real, ...companionsOf(real)].map(forFs);
  });
}

function isOnServer({ engine }: CapturedDatabase): boolean {
  return engine !== 'sqlite';
}

/** Dumps stay, and add up; scratch databases come and go one after the other. */
function refuseUnlessAllFit(waiting: readonly PreparedCapture<CapturedDatabase>[]): void {
  const dumps = waiting.flatMap(({ room }) => room.dump);
  for (const { name, room } of waiting) refuseTooLittleRoom(`cannot capture ${name}`, [...dumps, ...room.scratch]);
}

function dumpedBytes({ content }: CapturedDatabase): number {
  if (content === null) return 0;
  return 'dump' in content ? content.dump.size : content.tables.size;
}

function roomAt(place: RawPath, bytes: number): CapturedFiles['room'][number] {
  return { place: pathToJson(place), largest_bytes: bytes, total_bytes: bytes };
}

/**
 * What a restore of databases may have to write on file systems of ours: a file again, and what is there by then to `displaced`.
 * What a server writes nobody can hold room for.
 */
export function roomToRestore(captured: CapturedDatabases, directory: string): CapturedFiles['room'] {
  return captured.flatMap((one) => {
    if (one.engine !== 'sqlite' || one.content === null) return [];
    const { size } = one.content.dump;
    const live = parentPath(pathFromJson(one.real));
    const isOneDisk = fs.statSync(forFs(live)).dev === fs.statSync(directory).dev;
    return isOneDisk ? [roomAt(live, 2 * size)] : [roomAt(live, size), roomAt(toRawPath(directory), size)];
  });
}

/** Databases on servers and in files: what is in them, and what belongs to them. See `DatabaseEngine`. */
export const databasesSource: StateSource<WantedDatabases, CapturedDatabases> = {
  kind: 'databases',

  claims: ({ connections }) => connections.flatMap((connection) => engineOf(connection).claims(connection)),

  capture: async ({ connections, proveRestorable = true }, { directory, forbidden, logger, onProgress }) => {
    const place = path.join(directory, 'databases');
    fs.mkdirSync(place, 0o700);
    const meter = new ProgressMeter('capture', onProgress, 'databases');
    const common = { directory: place, proveRestorable, forbidden, logger, meter, onProgress };
    const waiting: PreparedCapture<CapturedDatabase>[] = [];
    for (const [n, connection] of connections.entries())
      waiting.push(await engineOf(connection).prepareCapture(connection, { ...common, name: `db_${n}` }));
    refuseUnlessAllFit(waiting);
    meter.expect(connections.length);
    const captured: CapturedDatabases = [];
    for (const one of waiting) {
      captured.push(await one.carryOut());
      meter.add(1, 0);
    }
    meter.end();
    return captured;
  },

  verify: async (captured, directory, onProgress) => {
    const damages: string[] = [];
    const meter = new ProgressMeter('verify', onProgress, 'databases');
    meter.expect(
      captured.length,
      captured.map(dumpedBytes).reduce((sum, bytes) => sum + bytes, 0),
    );
    for (const one of captured) {
      damages.push(...(await engines[one.engine].verify(one, directory)));
      meter.add(1, dumpedBytes(one));
    }
    meter.end();
    return damages;
  },

  prepare: async (captured, context) => {
    const onOtherMachine = context.targetRoot === undefined ? [] : captured.filter(isOnServer);
    const isForPhase = (one: CapturedDatabase): boolean =>
      context.phase === undefined || (context.phase === 'late') === isOnServer(one);
    const meter = new ProgressMeter('restore', context.onProgress, 'databases');
    const here = captured.filter((one) => isForPhase(one) && !onOtherMachine.includes(one));
    meter.expect(
      here.length,
      here.map(dumpedBytes).reduce((sum, bytes) => sum + bytes, 0),
    );
    const waiting: PreparedRestore[] = [];
    const abandon = async (): Promise<void> => {
      for (const one of waiting.splice(0)) await one.abandon?.();
    };
    try {
      for (const one of here) waiting.push(await engines[one.engine].prepare(one, { ...context, meter }));
    } catch (error) {
      await abandon();
      throw error;
    }
    return {
      touches: waiting.flatMap((one) => one.touches),
      apply: async () => {
        const report = emptyReport();
        for (const { connection } of onOtherMachine) {
          report.warnings.push(
            `${keyOfDatabase(connection)} has to be restored on the machine that its server runs on`,
          );
        }
        for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
          addTo(report, await next.apply());
          waiting.shift();
          meter.add(1, 0);
        }
        meter.end();
        return report;
      },
      abandon,
    };
  },

  leaves: (captured) => (captured.some(isOnServer) ? 'its databases' : undefined),
};
