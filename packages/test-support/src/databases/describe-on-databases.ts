import fs from 'node:fs';
import { describe } from 'vitest';
import { ensureDebianPackages } from '../debian-packages.ts';
import { MARIADB } from './start-mariadb.ts';
import { postgresPrograms } from './start-postgres.ts';

/** `describe` for tests that start a PostgreSQL server, to be awaited at the top of a test file; as `describeOnServers`. */
export async function describeOnPostgres(name: string, body: () => void): Promise<void> {
  if (postgresPrograms() === undefined) await ensureDebianPackages(['postgresql']);
  describeWhere(postgresPrograms() !== undefined, 'postgresql', name, body);
}

/** As `describeOnPostgres`, for MariaDB. */
export async function describeOnMariadb(name: string, body: () => void): Promise<void> {
  if (!fs.existsSync(MARIADB)) await ensureDebianPackages(['mariadb-server']);
  describeWhere(fs.existsSync(MARIADB), 'mariadb-server', name, body);
}

function describeWhere(isHere: boolean, what: string, name: string, body: () => void): void {
  if (isHere) return void describe(name, body);
  process.stderr.write(`LEFT OUT: ${name}: the Debian package ${what} is not here, and could not be installed\n`);
  describe.skip(name, body);
}
