import { z } from 'zod';
import type { PostgresServer } from './postgres-server.ts';
import { identifier, literal } from './sql-text.ts';

/*
 * Roles belong to the server, not to one of its databases: a restore makes those again that are gone, and leaves the others
 * as they are.
 */

/** A role that something in the database refers to: as owner, in rights, policies, settings. */
export interface CapturedRole {
  name: string;
  /** In the order of CREATE ROLE: SUPERUSER, NOLOGIN, ... */
  options: string[];
  /** Roles that it is a member of. */
  member_of: string[];
}

export const capturedRoleSchema: z.ZodType<CapturedRole> = z.strictObject({
  name: z.string(),
  options: z.array(z.string()),
  member_of: z.array(z.string()),
});

interface RoleRow {
  rolname: string;
  rolsuper: boolean;
  rolinherit: boolean;
  rolcreaterole: boolean;
  rolcreatedb: boolean;
  rolcanlogin: boolean;
  rolreplication: boolean;
  rolbypassrls: boolean;
  rolconnlimit: number;
  rolvaliduntil: string | null;
  member_of: string[];
  /** What the server stores of the password; only an administrator sees it. */
  verifier: string | null;
}

/** The roles that a database refers to, with what the server stores of their passwords, by name. */
export async function readRoles(
  server: PostgresServer,
  database: string,
): Promise<{ roles: CapturedRole[]; verifiers: Record<string, string> }> {
  const verifier = (await server.showsVerifiers())
    ? '(SELECT rolpassword FROM pg_authid a WHERE a.oid = r.oid)'
    : 'NULL';
  const rows = await server.rows<RoleRow>(`
    SELECT r.*, ${verifier} AS verifier,
      (SELECT coalesce(json_agg(pg_get_userbyid(roleid) ORDER BY roleid), '[]')
       FROM pg_auth_members WHERE member = r.oid) AS member_of
    FROM pg_roles r, (SELECT oid, datdba FROM pg_database WHERE datname = ${literal(database)}) d
    WHERE r.rolname !~ '^pg_' AND (r.oid = d.datdba
      OR EXISTS (SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = r.oid
        AND (dbid = d.oid OR classid = 'pg_database'::regclass AND objid = d.oid))
      OR EXISTS (SELECT FROM pg_db_role_setting WHERE setdatabase = d.oid AND setrole = r.oid))
    ORDER BY rolname`);
  const stored = rows.flatMap((row) => (row.verifier === null ? [] : [[row.rolname, row.verifier] as const]));
  return { roles: rows.map(roleOf), verifiers: Object.fromEntries(stored) };
}

function option(is: boolean, name: string): string {
  return is ? name : `NO${name}`;
}

function roleOf(row: RoleRow): CapturedRole {
  return {
    name: row.rolname,
    options: [
      option(row.rolsuper, 'SUPERUSER'),
      option(row.rolinherit, 'INHERIT'),
      option(row.rolcreaterole, 'CREATEROLE'),
      option(row.rolcreatedb, 'CREATEDB'),
      option(row.rolcanlogin, 'LOGIN'),
      option(row.rolreplication, 'REPLICATION'),
      option(row.rolbypassrls, 'BYPASSRLS'),
      ...(row.rolconnlimit === -1 ? [] : [`CONNECTION LIMIT ${row.rolconnlimit}`]),
      ...(row.rolvaliduntil === null ? [] : [`VALID UNTIL ${literal(row.rolvaliduntil)}`]),
    ],
    member_of: row.member_of,
  };
}

/** Makes the recorded roles that are gone. Returns the names of those that it made. */
export async function makeMissingRoles(
  server: PostgresServer,
  roles: readonly CapturedRole[],
  verifiers: Readonly<Record<string, string>>,
): Promise<string[]> {
  const known = new Set(
    (await server.rows<{ rolname: string }>('SELECT rolname FROM pg_roles')).map((row) => row.rolname),
  );
  const missing = roles.filter(({ name }) => !known.has(name));
  if (missing.length === 0) return [];
  const present = new Set([...known, ...missing.map(({ name }) => name)]);
  const statements = missing.map(({ name, options }) => {
    const verifier = verifiers[name];
    const password = verifier === undefined ? '' : ` PASSWORD ${literal(verifier)}`;
    return `CREATE ROLE ${identifier(name)} WITH ${options.join(' ')}${password};`;
  });
  const memberships = missing.flatMap(({ name, member_of }) =>
    member_of.filter((role) => present.has(role)).map((role) => `GRANT ${identifier(role)} TO ${identifier(name)};`),
  );
  const names = missing.map(({ name }) => name);
  await server.manage(['BEGIN;', ...statements, ...memberships, 'COMMIT;'].join('\n'), {
    doing: `the roles ${names.join(', ')} are gone and cannot be made again`,
  });
  return names;
}
