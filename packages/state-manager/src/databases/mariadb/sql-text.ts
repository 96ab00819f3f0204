/** A name in SQL. */
export function identifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** A name within a database, in SQL. */
export function within(database: string, name: string): string {
  return `${identifier(database)}.${identifier(name)}`;
}

/** A value in SQL, whatever sql_mode says of backslashes. */
export function literal(value: string): string {
  return value === '' ? "''" : `CONVERT(0x${Buffer.from(value).toString('hex')} USING utf8mb4)`;
}
