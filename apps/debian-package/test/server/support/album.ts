import fs from 'node:fs';
import path from 'node:path';
import type { Server, TreeNode } from '@homeserver/test-support';
import { moduleTree } from './update-repository.ts';

/** The owner's photo album: a service that keeps its photos in a PostgreSQL database with a schema, rights and roles of its own. */
export async function startAlbum(server: Server): Promise<void> {
  const sql = `
    CREATE ROLE album LOGIN PASSWORD 'unguessable';
    CREATE ROLE album_reader;
    CREATE DATABASE album OWNER album;
    \\c album
    CREATE TABLE photos (id integer PRIMARY KEY, title text NOT NULL);
    INSERT INTO photos SELECT n, 'photo ' || n FROM generate_series(1, 5000) n;
    CREATE VIEW newest AS SELECT * FROM photos ORDER BY id DESC LIMIT 10;
    ALTER TABLE photos OWNER TO album;
    GRANT SELECT ON photos, newest TO album_reader;
    COMMENT ON DATABASE album IS 'of the family';`;
  fs.writeFileSync(path.join(server.root, 'srv/album.sql'), sql);
  const loop = `while :; do runuser -u postgres -- psql -Atqd album -c "SELECT max(id) FROM photos"; sleep 1; done`;
  fs.writeFileSync(path.join(server.root, 'srv/album'), loop);
  fs.writeFileSync(
    path.join(server.root, 'etc/systemd/system/album.service'),
    '[Unit]\nAfter=postgresql.service\n[Service]\nExecStart=/bin/sh /srv/album\n[Install]\nWantedBy=multi-user.target\n',
  );
  await server.run('runuser -u postgres -- psql -qv ON_ERROR_STOP=1 < /srv/album.sql');
  await server.run('systemctl daemon-reload && systemctl enable --now album nginx');
}

/** Rows, schema, rights, roles; and what systemd says of the services. */
export async function stateOfAlbum(server: Server): Promise<Record<'rows' | 'schema' | 'roles' | 'services', string>> {
  const postgres = 'runuser -u postgres --';
  return {
    rows: await server.run(`${postgres} psql -Atqd album -c 'SELECT count(*), min(title), max(title) FROM photos'`),
    schema: await server.run(`${postgres} pg_dump --schema-only --create album | grep -v '^.\\(un\\)\\?restrict '`),
    roles: await server.run(`${postgres} pg_dumpall --roles-only | grep -v '^.\\(un\\)\\?restrict '`),
    services: await server.run(
      'systemctl is-enabled album nginx postgresql; systemctl is-active album nginx postgresql postgresql@15-main | xargs',
    ),
  };
}

/** The databases that are there; what an unfinished restore had made beside them would be among them. */
export function databasesOf(server: Server): Promise<string> {
  return server.run(`runuser -u postgres -- psql -Atqc 'SELECT datname FROM pg_database ORDER BY datname' | xargs`);
}

/**
 * A module that gives every photo a new title, in a new table, while the album is stopped. `half` and `end` are lines of shell
 * that it runs in the middle of the migration, and when that is complete but not final.
 */
export function albumModule(
  version: string,
  { half = 'true', end = 'true' }: { half?: string; end?: string } = {},
): { [name: string]: TreeNode } {
  return moduleTree('album', {
    version,
    main: `
  const command = async (...argv: string[]) => {
    const { exitCode, stdout, stderr } = await context.run(argv as [string, ...string[]]);
    if (exitCode !== 0) throw new Error(argv[0] + ' failed: ' + stderr);
    return stdout.toString();
  };
  const sql = (text: string) => command('runuser', '-u', 'postgres', '--', 'psql', '-Atqv', 'ON_ERROR_STOP=1', '-d', 'album', '-c', text);
  if ((await sql("SELECT max(title) FROM photos")).startsWith('version ${version} ')) return { success: true, changed: false };
  const database = { type: 'postgresql', database: 'album' };
  await context.state.guard('album', { databases: [database], services: ['album', 'nginx', 'postgresql'] }, async () => {
    await command('systemctl', 'disable', '--now', 'album');
    await sql("DROP VIEW IF EXISTS newest; CREATE TABLE photos_new AS SELECT id, 'version ${version} photo ' || id AS title FROM photos");
    await sql('DROP TABLE photos; DROP ROLE IF EXISTS album_reader');
    await command('sh', '-c', ${JSON.stringify(half)});
    await sql('ALTER TABLE photos_new RENAME TO photos; ALTER TABLE photos OWNER TO album');
    await command('sh', '-c', ${JSON.stringify(end)});
    await command('systemctl', 'enable', '--now', 'album');
  });
  return { success: true, changed: true };`,
  });
}
