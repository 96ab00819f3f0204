import type { JsonPath } from '@homeserver/system';
import { z } from 'zod';
import type { AttributeRecord } from '../../files/attributes.ts';
import { jsonPathSchema } from '../../files/file-record.ts';
import { publicConnectionSchema, type SqliteConnection } from '../connection.ts';
import { dumpFileSchema, type DumpFile } from '../dump-file.ts';

/** What a database file has besides its content. */
export interface FilePossession {
  mode: number;
  uid: number;
  gid: number;
  xattrs?: AttributeRecord;
}

/** A SQLite database as the manifest has it. */
export interface CapturedSqlite {
  engine: 'sqlite';
  connection: SqliteConnection;
  /** The file itself, when `connection.database` is or contains a link. */
  real: JsonPath;
  /** null: there was no such file. */
  content: {
    /** A whole database: `cp db_0.db <path>` puts it back by hand, once -wal, -shm and -journal are gone from there. */
    dump: DumpFile;
    file: FilePossession;
    /** Directories above it, outermost first: only to make one again that has vanished. */
    parents: { path: JsonPath; mode: number; uid: number; gid: number }[];
  } | null;
}

const possession = { mode: z.int().min(0).max(0o7777), uid: z.int(), gid: z.int() };

export const capturedSqliteSchema: z.ZodType<CapturedSqlite> = z.strictObject({
  engine: z.literal('sqlite'),
  connection: publicConnectionSchema as z.ZodType<SqliteConnection>,
  real: jsonPathSchema,
  content: z
    .strictObject({
      dump: dumpFileSchema,
      file: z.strictObject({ ...possession, xattrs: z.record(z.string(), z.base64()).exactOptional() }),
      parents: z.array(z.strictObject({ path: jsonPathSchema, ...possession })),
    })
    .nullable(),
});
