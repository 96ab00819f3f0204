import { randomBytes } from 'node:crypto';
import { runCommand } from '@homeserver/system';
import type { DatabaseServer } from '@homeserver/test-support';
import type { ServerConnection } from '../../src/databases/connection.ts';

/** A database of a test's own on a MariaDB server, with something of everything in it. */
export interface MariadbScene {
  readonly database: string;
  /** As its author would write it: without a password, through the socket. */
  readonly connection: ServerConnection;
  sql(text: string): Promise<string>;
  /** All that a restore has to put back, as text; also what it must not leave behind. */
  observe(): Promise<string[]>;
}

const CONTENT = `
  CREATE TABLE parent (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20) CHARACTER SET latin1, UNIQUE KEY (name));
  CREATE TABLE child (id INT PRIMARY KEY AUTO_INCREMENT, parent INT, paper BLOB, note TEXT CHARACTER SET utf8mb4,
    CONSTRAINT named FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE, CHECK (parent > 0));
  CREATE TABLE log (message TEXT) ENGINE=InnoDB;
  CREATE TABLE \`odd \`\`name\`\`.x\` (a INT);
  CREATE TABLE parts (a INT) PARTITION BY RANGE (a) (PARTITION low VALUES LESS THAN (10), PARTITION high VALUES LESS THAN MAXVALUE);
  CREATE SEQUENCE counter START WITH 41;
  INSERT INTO parent (name) SELECT CONCAT('n', seq) FROM seq_1_to_1000;
  INSERT INTO child (parent, paper, note) SELECT seq, x'00ff27', CONCAT('a\\'b\\\\c);\\n(1,2),', seq, 'ü') FROM seq_1_to_1000;
  INSERT INTO parts VALUES (1), (11);
  CREATE FUNCTION twice(a INT) RETURNS INT DETERMINISTIC RETURN 2 * a;
  CREATE PROCEDURE tidy() DELETE FROM log;
  CREATE VIEW above AS SELECT name, twice(child.id) AS double_id FROM parent JOIN child ON child.parent = parent.id;
  CREATE VIEW a_first AS SELECT * FROM above WHERE double_id > 2;
  CREATE TRIGGER noted AFTER INSERT ON child FOR EACH ROW INSERT INTO log VALUES (new.note);
  CREATE EVENT sweep ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' COMMENT 'nightly' DO CALL tidy();
  SELECT NEXTVAL(counter);`;

export async function mariadbScene(server: DatabaseServer, content: string = CONTENT): Promise<MariadbScene> {
  const database = `app_${randomBytes(4).toString('hex')}`;
  // Programs made under another standard collation than the database has now: their dump changes it around them.
  await server.sql(`CREATE DATABASE ${database} CHARACTER SET latin1 COLLATE latin1_german1_ci COMMENT 'the shop''s'`);
  const sql = (text: string): Promise<string> => server.sql(text, database);
  await sql(content);
  await server.sql(`ALTER DATABASE ${database} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`);
  const connection: ServerConnection = { type: 'mariadb', socket: server.socket, port: server.port, database };
  if (process.getuid?.() !== 0) connection.user = 'root';
  const observe = async (): Promise<string[]> => {
    const schemata = await server.sql(`SELECT SCHEMA_NAME, DEFAULT_COLLATION_NAME, SCHEMA_COMMENT
      FROM information_schema.SCHEMATA WHERE SCHEMA_NAME REGEXP '${database}|hs_scratch' ORDER BY 1`);
    if (!schemata.includes(`${database}\t`)) return [schemata];
    const args = ['--routines', '--events', '--triggers', '--skip-comments', '--hex-blob', '--add-drop-trigger'];
    const dump = await runCommand([
      'mariadb-dump',
      '--no-defaults',
      '-uroot',
      `--socket=${server.socket}`,
      ...args,
      database,
    ]);
    return [schemata, ...dump.stdout.toString().split('\n')];
  };
  return { database, connection, sql, observe };
}
