import { describe, expect, it } from 'vitest';
import { InsertCounter } from '../../src/databases/mariadb/count-rows.ts';
import { RowCounter } from '../../src/databases/postgresql/archive-text.ts';

const inPieces = (text: string, add: (chunk: Buffer) => void, size: number): void => {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) add(bytes.subarray(at, at + size));
};

describe.each([1, 7, 100_000])('rows in a dump that comes in pieces of %i bytes', (size) => {
  it('of PostgreSQL: the lines of each COPY, whatever is in them', () => {
    const counter = new RowCounter('utf8');
    const text = [
      'SET x;',
      'COPY public.orders (id, note) FROM stdin;',
      '1\tCOPY public.fake (a) FROM stdin;',
      '2\t\\\\.',
      '',
      '\\.',
      'COPY "Ödd ""name"".x"."t t" (a) FROM stdin;',
      '\\.',
      'COPY x\\!id.t (a) FROM stdin;',
      '1',
      'COPY s.last (a) FROM stdin;',
      'ü',
      '\\.',
      'SELECT 1;',
      '',
    ];
    inPieces(text.join('\n'), (chunk) => counter.add(chunk), size);
    expect(counter.tables).toEqual([
      { table: 'public.orders', rows: 3 },
      { table: '"Ödd ""name"".x"."t t"', rows: 0 },
      { table: 's.last', rows: 1 },
    ]);
  });

  it('of MariaDB, one a line, and of MySQL, a whole statement on one line', () => {
    const counter = new InsertCounter();
    const text = [
      'CREATE TABLE `a` (',
      '(PARTITION p VALUES LESS THAN (10))',
      'INSERT INTO `a` VALUES',
      "(1,'x),(2'),",
      "(2,'it\\'s ;\\\\'),",
      '(3,NULL);',
      "INSERT INTO `b``c` (`x`, `y`) VALUES (1,'a\\n'),(2,point(1,2)),(3,'');",
      'INSERT INTO `a` VALUES',
      '(4,0xFF);',
      '(5,6),',
      '',
    ];
    inPieces(text.join('\n'), (chunk) => counter.add(chunk), size);
    expect(Object.fromEntries(counter.tables)).toEqual({ a: 4, 'b`c': 3 });
  });
});
