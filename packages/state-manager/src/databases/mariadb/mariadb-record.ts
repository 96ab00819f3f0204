import { z } from 'zod';
import { publicConnectionSchema, type ServerConnection } from '../connection.ts';
import { countedTablesSchema, type CountedTable } from '../counted-table.ts';
import { dumpFileSchema, type DumpFile } from '../dump-file.ts';
import { databasePropertiesSchema, type DatabaseProperties } from './database-content.ts';

/** A MariaDB or MySQL database as the manifest has it. */
export interface CapturedMariadb {
  engine: 'mariadb';
  connection: Omit<ServerConnection, 'password'>;
  /** The file with what is secret. */
  secret: string;
  /** null: there was no database of that name. */
  content: {
    /** SQL. By hand: `cat db_0.sql db_0.programs.sql db_0.events.sql | mariadb <database>`. */
    tables: DumpFile;
    programs: DumpFile;
    events: DumpFile;
    server_version: string;
    properties: DatabaseProperties;
    /** Counted when the dump was proven restorable. */
    rows?: CountedTable[];
    /** What it takes on its server: loaded anew, when the dump was proven; else as it was. */
    size_bytes?: number;
  } | null;
}

export const capturedMariadbSchema: z.ZodType<CapturedMariadb> = z.strictObject({
  engine: z.literal('mariadb'),
  connection: publicConnectionSchema as z.ZodType<Omit<ServerConnection, 'password'>>,
  secret: z.string(),
  content: z
    .strictObject({
      tables: dumpFileSchema,
      programs: dumpFileSchema,
      events: dumpFileSchema,
      server_version: z.string(),
      properties: databasePropertiesSchema,
      rows: countedTablesSchema.exactOptional(),
      size_bytes: z.int().min(0).exactOptional(),
    })
    .nullable(),
});
