import { z } from 'zod';
import { publicConnectionSchema, type ServerConnection } from '../connection.ts';
import { countedTablesSchema, type CountedTable } from '../counted-table.ts';
import { dumpFileSchema, type DumpFile } from '../dump-file.ts';
import { databasePropertiesSchema, type DatabaseProperties } from './database-properties.ts';
import { capturedRoleSchema, type CapturedRole } from './roles.ts';

/** A PostgreSQL database as the manifest has it. */
export interface CapturedPostgres {
  engine: 'postgresql';
  connection: Omit<ServerConnection, 'password'>;
  /** The file with what is secret. */
  secret: string;
  /** null: there was no database of that name. */
  content: {
    /** An archive of pg_dump --format=custom: `pg_restore -d <database> db_0.dump` loads it by hand. */
    dump: DumpFile;
    /** Major version of the server. */
    server_version: number;
    properties: DatabaseProperties;
    roles: CapturedRole[];
    /** Counted when the dump was proven restorable. */
    tables?: CountedTable[];
    /** What it takes on its server: loaded anew, when the dump was proven; else as it was. */
    size_bytes?: number;
  } | null;
}

export const capturedPostgresSchema: z.ZodType<CapturedPostgres> = z.strictObject({
  engine: z.literal('postgresql'),
  connection: publicConnectionSchema as z.ZodType<Omit<ServerConnection, 'password'>>,
  secret: z.string(),
  content: z
    .strictObject({
      dump: dumpFileSchema,
      server_version: z.int(),
      properties: databasePropertiesSchema,
      roles: z.array(capturedRoleSchema),
      tables: countedTablesSchema.exactOptional(),
      size_bytes: z.int().min(0).exactOptional(),
    })
    .nullable(),
});
