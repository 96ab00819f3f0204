import fs from 'node:fs';
import path from 'node:path';
import { forFs, showPath } from '@homeserver/system';
import { z } from 'zod';
import { addTo, emptyReport } from '../source-report.ts';
import type { PreparedRestore, StateSource } from '../state-source.ts';
import { addressOf, type DatabaseConnection } from './connection.ts';
import type { DatabaseEngine } from './database-engine.ts';
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

/** Databases on servers and in files: what is in them, and what belongs to them. See `DatabaseEngine`. */
export const databasesSource: StateSource<WantedDatabases, CapturedDatabases> = {
  kind: 'databases',

  claims: ({ connections }) => connections.flatMap((connection) => engineOf(connection).claims(connection)),

  capture: async ({ connections, proveRestorable = true }, { directory, forbidden, logger }) => {
    const place = path.join(directory, 'databases');
    fs.mkdirSync(place, 0o700);
    const captured: CapturedDatabases = [];
    for (const [n, connection] of connections.entries()) {
      const context = { directory: place, name: `db_${n}`, proveRestorable, forbidden, logger };
      captured.push(await engineOf(connection).capture(connection, context));
    }
    return captured;
  },

  verify: async (captured, directory) => {
    const damages: string[] = [];
    for (const one of captured) damages.push(...(await engines[one.engine].verify(one, directory)));
    return damages;
  },

  prepare: async (captured, context) => {
    const onOtherMachine = context.targetRoot === undefined ? [] : captured.filter(isOnServer);
    const waiting: PreparedRestore[] = [];
    const abandon = async (): Promise<void> => {
      for (const one of waiting.splice(0)) await one.abandon?.();
    };
    try {
      for (const one of captured) {
        if (!onOtherMachine.includes(one)) waiting.push(await engines[one.engine].prepare(one, context));
      }
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
        }
        return report;
      },
      abandon,
    };
  },

  leaves: (captured) => (captured.some(isOnServer) ? 'its databases' : undefined),
};
