import fs from 'node:fs';
import type { ProgressMeter } from '../../progress.ts';
import { bytesRead, watchBytes } from '../watch-bytes.ts';
import { dropPrograms, optionsOf, PLAIN_LITERALS, readContent, type DatabaseProperties } from './database-content.ts';
import { forDatabase } from './dump-text.ts';
import type { MariadbServer } from './mariadb-server.ts';
import { identifier } from './sql-text.ts';

/** Drops databases of ours; missing ones are fine. `unlogged`: replicas are not to hear of it. */
export async function dropBeside(
  server: MariadbServer,
  names: readonly string[],
  options: { unlogged?: boolean } = {},
): Promise<void> {
  await server.sql(names.map((name) => `DROP DATABASE IF EXISTS ${identifier(name)};`).join('\n'), undefined, options);
}

/**
 * Makes a database from a dump, to see that it can be done; but for the events, which would run. It ends with the tables alone:
 * they are what a restore moves. `unlogged` as for `dropBeside`.
 */
export async function loadBeside(
  server: MariadbServer,
  name: string,
  dump: { properties: DatabaseProperties; tablesFile: string; programs: string },
  { meter, ...options }: { unlogged?: boolean; meter?: ProgressMeter } = {},
): Promise<void> {
  const create = `${PLAIN_LITERALS} CREATE DATABASE ${identifier(name)} ${optionsOf(dump.properties)};`;
  await server.sql(create, undefined, { doing: 'no database can be made for the dump', ...options });
  const saying = { doing: 'the dump cannot be loaded', ...options };
  const fd = fs.openSync(dump.tablesFile, 'r');
  try {
    await watchBytes(
      meter,
      () => bytesRead(fd),
      () => server.sql(fd, name, saying),
    );
  } finally {
    fs.closeSync(fd);
  }
  const programs = forDatabase(dump.programs, server.database, name);
  await server.sql(Buffer.from(programs, 'latin1'), name, saying);
  await server.sql(dropPrograms(name, await readContent(server, name)), undefined, options);
}
