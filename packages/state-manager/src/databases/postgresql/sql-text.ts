/** A name in SQL. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A value in SQL, for sessions with standard_conforming_strings on: ours all are. */
export function literal(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** A keyword's value in a connection string of libpq. */
export function conninfoValue(value: string): string {
  return `'${value.replaceAll(/['\\]/g, '\\$&')}'`;
}
