import fs from 'node:fs';
import path from 'node:path';
import {
  countCalls,
  describeOnMariadb,
  describeOnPostgres,
  faultPoints,
  killAtCall,
  runAndKill,
  startMariadb,
  startPostgres,
  type DatabaseServer,
} from '@homeserver/test-support';
import { beforeAll, expect, it } from 'vitest';
import type { ServerConnection } from '../../src/databases/connection.ts';
import { captureDatabases, type DatabasesBackup } from './captured-databases.ts';
import { mariadbScene } from './mariadb-scene.ts';
import { postgresScene } from './postgres-scene.ts';

/* kill -9 of a restore, and of the client programs that it runs: before each of them is started, and at random. Then it is run again. */

const script = path.join(import.meta.dirname, '../fixtures/restore-databases.ts');
const RANDOM_KILLS = 4;

interface Scene {
  connection: ServerConnection;
  sql(text: string): Promise<string>;
  observe(): Promise<string[]>;
}

async function start(
  make: () => Promise<Scene>,
  harm: string,
): Promise<{
  here: Scene;
  backup: DatabasesBackup;
  before: string[];
  run: readonly [string, ...string[]];
  harmIt: () => Promise<string[]>;
}> {
  const here = await make();
  const before = await here.observe();
  const backup = await captureDatabases({ connections: [here.connection] });
  fs.writeFileSync(path.join(backup.directory, 'record.json'), JSON.stringify(backup.captured));
  const run = [process.execPath, '--no-warnings', script, backup.directory] as const;
  const harmIt = async (): Promise<string[]> => {
    await here.sql(harm);
    return here.observe();
  };
  return { here, backup, before, run, harmIt };
}

/** Checks after a kill: the live database is whole, the one before or the one after, and the next restore completes it. */
async function check(
  here: Scene,
  backup: DatabasesBackup,
  before: string[],
  harmed: string[],
  rows: string,
  at: string,
): Promise<void> {
  expect(await here.sql(rows), at).toBeOneOf(['1000', '7']);
  await backup.restore();
  expect(await here.observe(), at).toEqual(before);
  expect(harmed, at).not.toEqual(before);
}

function describeKills(make: () => Promise<Scene>, harm: string, rows: string): void {
  it('killed before any client program is started', { timeout: 3_600_000 }, async () => {
    const { here, backup, before, run, harmIt } = await start(make, harm);
    const supervision = { under: [path.join(backup.directory, 'displaced')], alsoExec: true, timeoutMs: 300_000 };
    let harmed = await harmIt();
    const counted = await countCalls(run, supervision);
    expect(counted.exitCode, counted.stderr).toBe(0);
    expect(counted.calls.length).toBeGreaterThan(10);
    for (const n of faultPoints(counted.calls.length, 12)) {
      harmed = await harmIt();
      const killed = await killAtCall(run, n, supervision);
      await check(here, backup, before, harmed, rows, `call ${n}: ${killed.firedAt}`);
    }
  });

  it('killed at any time', { timeout: 3_600_000 }, async () => {
    const { here, backup, before, run, harmIt } = await start(make, harm);
    await harmIt();
    const whole = await runAndKill(run, { afterMs: 600_000 });
    if (whole === 'killed') throw new Error('it took too long');
    for (let n = 0; n < RANDOM_KILLS; n += 1) {
      const harmed = await harmIt();
      const afterMs = (whole.durationMs * (n + Math.random())) / RANDOM_KILLS;
      await runAndKill(run, { afterMs });
      await check(here, backup, before, harmed, rows, `after ${afterMs} ms`);
    }
  });
}

await describeOnPostgres('a restore of a PostgreSQL database', () => {
  let server: DatabaseServer;
  beforeAll(async () => {
    server = await startPostgres();
    return () => server.stop();
  });
  const harm = `DELETE FROM shop.lines; DELETE FROM shop.orders WHERE id > 7; CREATE TABLE IF NOT EXISTS appeared (a int);
    DROP MATERIALIZED VIEW IF EXISTS shop.sums`;
  describeKills(() => postgresScene(server), harm, 'SELECT count(*) FROM shop.orders');
});

await describeOnMariadb('a restore of a MariaDB database', () => {
  let server: DatabaseServer;
  beforeAll(async () => {
    server = await startMariadb();
    return () => server.stop();
  });
  const harm = `DELETE FROM child WHERE id > 7; CREATE TABLE IF NOT EXISTS appeared (a int); DROP VIEW IF EXISTS a_first;
    DROP PROCEDURE IF EXISTS tidy`;
  describeKills(() => mariadbScene(server), harm, 'SELECT COUNT(*) FROM child');
});
