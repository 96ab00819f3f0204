import { z } from 'zod';

/** How many rows a table has, as counted in a dump. */
export interface CountedTable {
  /** PostgreSQL: as its dump writes it (`public.orders`); MariaDB: the bare name. */
  table: string;
  rows: number;
}

export const countedTablesSchema: z.ZodType<CountedTable[]> = z.array(
  z.strictObject({ table: z.string(), rows: z.int() }),
);
