import { beforeAll, expect, it } from 'vitest';
import { describeOnPostgres, startPostgres, type DatabaseServer } from '@homeserver/test-support';
import { OperationsServer, states } from './operations-server.ts';

/* The database migration of the documentation: capture, migrate, validate; on a real PostgreSQL. */

await describeOnPostgres('a database migration', () => {
  let postgres: DatabaseServer;
  let databases = 0;

  beforeAll(async () => {
    postgres = await startPostgres();
    return () => postgres.stop();
  });

  /** A database with three rows, and a document that migrates it; `validate` is what the last script does. */
  async function migrating(validate: string): Promise<{ server: OperationsServer; rows(): Promise<string> }> {
    const database = `app_${(databases += 1)}`;
    await postgres.sql(`CREATE DATABASE ${database}`);
    await postgres.sql(
      'CREATE TABLE people (name text); INSERT INTO people VALUES ($$a$$), ($$b$$), ($$c$$)',
      database,
    );
    const psql = `psql -q -v ON_ERROR_STOP=1 -h ${postgres.socket} -p ${postgres.port} -U postgres -d ${database}`;
    const asPostgres =
      process.getuid?.() === 0 ? `setpriv --reuid=postgres --regid=postgres --init-groups ${psql}` : psql;
    const server = new OperationsServer({});
    server.sources({
      'capture.sh': `${asPostgres} -At -c 'SELECT count(*) FROM people' > LIVE/rows_before\n`,
      'migrate.sh': `${asPostgres} -c 'ALTER TABLE people ADD COLUMN age int; DELETE FROM people'\n`,
      'validate.sh': validate.replaceAll('PSQL', asPostgres),
    });
    const connection = { type: 'postgresql', host: postgres.socket, port: postgres.port, database };
    server.operations(
      '1.0.0',
      [
        { id: 'capture_db_state', type: 'execute', source: 'capture.sh' },
        { id: 'migrate_schema', type: 'execute', source: 'migrate.sh', phase: 2, dependencies: ['capture_db_state'] },
        {
          id: 'validate_migration',
          type: 'execute',
          source: 'validate.sh',
          phase: 3,
          dependencies: ['migrate_schema'],
        },
      ],
      {
        config: {
          capture: { databases: [process.getuid?.() === 0 ? connection : { ...connection, user: 'postgres' }] },
        },
      },
    );
    return { server, rows: () => postgres.sql('SELECT * FROM people ORDER BY 1', database) };
  }

  it('whose validation passes stays', async () => {
    const { server, rows } = await migrating('true\n');
    expect(states(await server.applyOperations())).toEqual([
      'capture_db_state: applied',
      'migrate_schema: applied',
      'validate_migration: applied',
    ]);
    expect(await rows()).toBe('');
  });

  it('whose validation fails is taken back: schema and rows are as before', async () => {
    const check = `test "$(PSQL -At -c 'SELECT count(*) FROM people')" = "$(cat LIVE/rows_before)"\n`;
    const { server, rows } = await migrating(check);
    const report = await server.applyOperations();
    expect(report, report.reason).toMatchObject({ state: 'reverted' });
    expect((await rows()).trim().split('\n')).toEqual(['a', 'b', 'c']);
  });

  it('is taken back by hand later, too', async () => {
    const { server, rows } = await migrating('true\n');
    await server.applyOperations();
    expect(await server.manager().rollBack()).toMatchObject([{ outcome: 'rolled-back' }]);
    expect((await rows()).trim().split('\n')).toEqual(['a', 'b', 'c']);
  });
});
