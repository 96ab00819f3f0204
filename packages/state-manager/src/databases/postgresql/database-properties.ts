import { z } from 'zod';
import type { PostgresServer } from './postgres-server.ts';
import { literal } from './sql-text.ts';

/** What a database cannot change once it is made. */
interface FixedProperties {
  encoding: string;
  collate: string;
  ctype: string;
  /** From PostgreSQL 15 on: libc, icu or builtin. */
  provider?: string;
  /** Of the providers icu and builtin. */
  locale?: string;
  icu_rules?: string;
  tablespace: string;
}

/** What belongs to a database itself and not to anything in it. Its dump does not hold that. */
export interface DatabaseProperties {
  fixed: FixedProperties;
  owner: string;
  connection_limit: number;
  is_template: boolean;
  comment: string | null;
  /** Rights; null: those that every new database has. */
  acl: { grantee: string | null; privilege: string; grantable: boolean }[] | null;
  /** ALTER DATABASE SET, and ALTER ROLE IN DATABASE SET with a role. */
  settings: { role: string | null; name: string; value: string }[];
}

export const databasePropertiesSchema: z.ZodType<DatabaseProperties> = z.strictObject({
  fixed: z.strictObject({
    encoding: z.string(),
    collate: z.string(),
    ctype: z.string(),
    provider: z.string().exactOptional(),
    locale: z.string().exactOptional(),
    icu_rules: z.string().exactOptional(),
    tablespace: z.string(),
  }),
  owner: z.string(),
  connection_limit: z.int(),
  is_template: z.boolean(),
  comment: z.string().nullable(),
  acl: z
    .array(z.strictObject({ grantee: z.string().nullable(), privilege: z.string(), grantable: z.boolean() }))
    .nullable(),
  settings: z.array(z.strictObject({ role: z.string().nullable(), name: z.string(), value: z.string() })),
});

/** One row of pg_database as JSON, whatever columns this version has, with names in place of numbers. */
interface DatabaseRow {
  row: {
    datcollate: string;
    datctype: string;
    datlocprovider?: string;
    daticulocale?: string | null;
    datlocale?: string | null;
    daticurules?: string | null;
    datconnlimit: number;
    datistemplate: boolean;
  };
  encoding: string;
  owner: string;
  tablespace: string;
  comment: string | null;
  acl: DatabaseProperties['acl'];
  settings: { role: string | null; setting: string }[] | null;
}

const providers: Readonly<Record<string, string>> = { c: 'libc', i: 'icu', b: 'builtin' };

/** The properties of a database; undefined when there is none of that name. */
export async function readProperties(
  server: PostgresServer,
  database: string,
): Promise<DatabaseProperties | undefined> {
  const [found] = await server.rows<DatabaseRow>(`
    SELECT to_jsonb(d) AS row, pg_encoding_to_char(encoding) AS encoding, pg_get_userbyid(datdba) AS owner,
      spcname AS tablespace, shobj_description(d.oid, 'pg_database') AS comment,
      (SELECT json_agg(json_build_object('grantee', CASE WHEN grantee <> 0 THEN pg_get_userbyid(grantee) END,
         'privilege', privilege_type, 'grantable', is_grantable) ORDER BY grantee, privilege_type)
       FROM aclexplode(datacl)) AS acl,
      (SELECT json_agg(json_build_object('role', CASE WHEN setrole <> 0 THEN pg_get_userbyid(setrole) END,
         'setting', setting) ORDER BY setrole, setting)
       FROM pg_db_role_setting, unnest(setconfig) AS setting WHERE setdatabase = d.oid) AS settings
    FROM pg_database d JOIN pg_tablespace t ON t.oid = dattablespace WHERE datname = ${literal(database)}`);
  return found === undefined ? undefined : propertiesOf(found);
}

function propertiesOf({ row, encoding, owner, tablespace, comment, acl, settings }: DatabaseRow): DatabaseProperties {
  const locale = row.datlocale ?? row.daticulocale ?? undefined;
  return {
    fixed: {
      encoding,
      collate: row.datcollate,
      ctype: row.datctype,
      ...(row.datlocprovider === undefined ? {} : { provider: providers[row.datlocprovider] ?? row.datlocprovider }),
      ...(locale === undefined ? {} : { locale }),
      ...(row.daticurules === undefined || row.daticurules === null ? {} : { icu_rules: row.daticurules }),
      tablespace,
    },
    owner,
    connection_limit: row.datconnlimit,
    is_template: row.datistemplate,
    comment,
    acl,
    settings: (settings ?? []).map(({ role, setting }) => {
      const at = setting.indexOf('=');
      return { role, name: setting.slice(0, at), value: setting.slice(at + 1) };
    }),
  };
}

/** What a database whose rights nobody has touched grants. */
export function standardAcl(owner: string): NonNullable<DatabaseProperties['acl']> {
  const all = ['CREATE', 'TEMPORARY', 'CONNECT'].map((privilege) => ({ grantee: owner, privilege, grantable: false }));
  return [...all, ...all.slice(1).map((right) => ({ ...right, grantee: null }))];
}

/** The same text for the same rights, however they came to be. */
export function rightsIn({ acl, owner }: DatabaseProperties): string {
  const rights = (acl ?? standardAcl(owner)).map(({ grantee, privilege, grantable }) => [
    grantee,
    privilege,
    grantable,
  ]);
  return JSON.stringify(rights.map((right) => JSON.stringify(right)).sort());
}

/** Whether a database has what was recorded, but for what is in it. */
export function sameProperties(is: DatabaseProperties, wanted: DatabaseProperties): boolean {
  const [{ acl: _, ...one }, { acl: __, ...other }] = [is, wanted];
  return sameFixed(is, wanted) && JSON.stringify(one) === JSON.stringify(other) && rightsIn(is) === rightsIn(wanted);
}

/** Whether a database could be given all that was recorded without being made anew. */
export function sameFixed(is: DatabaseProperties, wanted: DatabaseProperties): boolean {
  return JSON.stringify(is.fixed) === JSON.stringify(wanted.fixed);
}
