import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describeOnPostgres, startPostgres, type DatabaseServer } from '@homeserver/test-support';
import { beforeAll, expect, it } from 'vitest';
import { postgresScene } from './databases/postgres-scene.ts';
import { mounted } from './mounted-disk.ts';
import { scene } from './scene.ts';

await describeOnPostgres('a recovery below a target root, with a database on a server', () => {
  let server: DatabaseServer;
  beforeAll(async () => {
    server = await startPostgres();
    return () => server.stop();
  });

  it('leaves the database to the machine itself, and the change noted until it has put that back too', async () => {
    const database = await postgresScene(server);
    const here = scene({ f: 'old' });
    const fixture = path.join(import.meta.dirname, 'fixtures/crash.ts');
    const request = JSON.stringify({ databases: [database.connection] });
    spawnSync(process.execPath, [fixture, here.root, 'plain', request]);
    await database.sql('DROP SCHEMA shop CASCADE');
    const { disk, at } = mounted(here);

    const { found } = await here.stateManager({ targetRoot: disk }).recover();
    expect(found).toEqual([
      expect.objectContaining({
        outcome: 'failed',
        error: 'everything of app was put back, but its databases have to be restored by the machine itself',
      }),
    ]);
    expect(fs.readFileSync(at('f'), 'utf8')).toBe('old');
    await expect(database.sql('SELECT count(*) FROM shop.orders')).rejects.toThrow('shop.orders');

    expect((await here.stateManager().recover()).found).toEqual([expect.objectContaining({ outcome: 'restored' })]);
    expect(await database.sql('SELECT count(*) FROM shop.orders')).toContain('1000');
  });
});
