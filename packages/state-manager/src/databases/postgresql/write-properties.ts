import { rightsIn, standardAcl, type DatabaseProperties } from './database-properties.ts';
import { identifier, literal } from './sql-text.ts';

/** SQL that makes an empty database like the recorded one, under any name. */
export function createDatabase(name: string, { fixed, owner }: DatabaseProperties): string {
  const { provider, locale, icu_rules: rules } = fixed;
  const localeOption = provider === 'builtin' ? 'BUILTIN_LOCALE' : 'ICU_LOCALE';
  const options = [
    'TEMPLATE template0',
    `OWNER ${identifier(owner)}`,
    `ENCODING ${literal(fixed.encoding)}`,
    `LC_COLLATE ${literal(fixed.collate)}`,
    `LC_CTYPE ${literal(fixed.ctype)}`,
    ...(provider === undefined ? [] : [`LOCALE_PROVIDER ${provider}`]),
    ...(locale === undefined ? [] : [`${localeOption} ${literal(locale)}`]),
    ...(rules === undefined ? [] : [`ICU_RULES ${literal(rules)}`]),
    ...(fixed.tablespace === 'pg_default' ? [] : [`TABLESPACE ${identifier(fixed.tablespace)}`]), // To name it takes a right of its own.
  ];
  return `CREATE DATABASE ${identifier(name)} WITH ${options.join(' ')};`;
}

/** SQL that gives a database all recorded properties but the fixed ones, whatever it has of them now. */
export function applyProperties(name: string, is: DatabaseProperties, wanted: DatabaseProperties): string {
  const database = identifier(name);
  const inDatabase = (role: string | null): string =>
    role === null ? `ALTER DATABASE ${database}` : `ALTER ROLE ${identifier(role)} IN DATABASE ${database}`;
  const grantees = new Set([null, wanted.owner, is.owner, ...(is.acl ?? []).map(({ grantee }) => grantee)]);
  return [
    `ALTER DATABASE ${database} OWNER TO ${identifier(wanted.owner)};`,
    `ALTER DATABASE ${database} WITH CONNECTION LIMIT ${wanted.connection_limit} IS_TEMPLATE ${wanted.is_template};`,
    `COMMENT ON DATABASE ${database} IS ${wanted.comment === null ? 'NULL' : literal(wanted.comment)};`,
    ...[...new Set(is.settings.map(({ role }) => role))].map((role) => `${inDatabase(role)} RESET ALL;`),
    ...wanted.settings.map(({ role, name: setting, value }) => `${inDatabase(role)} SET ${setTo(setting, value)};`),
    ...(rightsIn(is) === rightsIn(wanted)
      ? []
      : [
          ...[...grantees].map((grantee) => `REVOKE ALL ON DATABASE ${database} FROM ${grantedTo(grantee)};`),
          ...(wanted.acl ?? standardAcl(wanted.owner)).map(
            ({ grantee, privilege, grantable }) =>
              `GRANT ${privilege} ON DATABASE ${database} TO ${grantedTo(grantee)}${grantable ? ' WITH GRANT OPTION' : ''};`,
          ),
        ]),
  ].join('\n');
}

function grantedTo(role: string | null): string {
  return role === null ? 'PUBLIC' : identifier(role);
}

/** Settings that are lists are stored as lists of quoted identifiers; a single literal would be one element. See pg_dump. */
const lists = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]);

function setTo(name: string, value: string): string {
  const key = name.split('.').map(identifier).join('.');
  if (!lists.has(name.toLowerCase())) return `${key} TO ${literal(value)}`;
  const elements = value.match(/"(?:[^"]|"")*"|[^",\s][^",]*/g) ?? [];
  const plain = elements.map((one) => (one.startsWith('"') ? one.slice(1, -1).replaceAll('""', '"') : one.trim()));
  return `${key} TO ${plain.map(literal).join(', ') || "''"}`;
}
