import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isTemporaryName } from '@homeserver/system';
import { countCalls, describeUnderSupervision, faultPoints, killAtCall } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { captureDatabases, type DatabasesBackup } from './captured-databases.ts';
import { sqliteScene, type SqliteScene } from './sqlite-scene.ts';

/* kill -9 at each call of a restore that changes files; then it is run again by a fresh process (this one). */

const script = path.join(import.meta.dirname, '../fixtures/restore-databases.ts');

async function start(
  mode: 'wal' | 'delete',
): Promise<{ here: SqliteScene; backup: DatabasesBackup; run: () => readonly [string, ...string[]] }> {
  const here = sqliteScene(mode);
  const backup = await captureDatabases({ connections: [here.connection] });
  fs.writeFileSync(path.join(backup.directory, 'record.json'), JSON.stringify(backup.captured));
  return { here, backup, run: () => [process.execPath, '--no-warnings', script, backup.directory] };
}

/** Changes it, and leaves the change in the write-ahead log, if there is one, as a writer does that was killed. */
function harm(here: SqliteScene): void {
  const live = new DatabaseSync(here.file);
  live.exec('PRAGMA wal_autocheckpoint = 0; DELETE FROM orders WHERE id > 10; CREATE TABLE IF NOT EXISTS appeared (a)');
  const files = [here.file, `${here.file}-wal`]
    .filter((file) => fs.existsSync(file))
    .map((file) => [file, fs.readFileSync(file)] as const);
  const stat = fs.statSync(here.file);
  live.close();
  for (const [file, content] of files) {
    fs.writeFileSync(file, content);
    fs.chownSync(file, stat.uid, stat.gid);
  }
}

await describeUnderSupervision('a restore of a SQLite database', () => {
  it.each(['wal', 'delete'] as const)(
    'in journal mode %s, killed at any call, leaves the database before or after it, whole, and is completed by the next',
    { timeout: 1_800_000 },
    async (mode) => {
      const { here, backup, run } = await start(mode);
      const before = here.observe();
      harm(here);
      const under = [path.dirname(here.file), backup.directory];
      const counted = await countCalls(run(), { under });
      expect(here.observe()).toEqual(before);
      expect(counted.calls.length).toBeGreaterThan(10);
      for (const n of faultPoints(counted.calls.length, 20)) {
        harm(here);
        const killed = await killAtCall(run(), n, { under });
        const at = `call ${n}: ${killed.firedAt}`;
        expect(here.rows('PRAGMA integrity_check'), at).toEqual([['ok']]);
        const appeared = here.rows(`SELECT count(*) FROM sqlite_schema WHERE name = 'appeared'`);
        expect([appeared, here.rows('SELECT count(*) FROM orders')], at).toBeOneOf([
          [[[0]], [[1000]]],
          [[[1]], [[10]]],
        ]);
        await backup.restore();
        expect(here.observe(), at).toEqual(before);
        const left = fs
          .readdirSync(backup.at('.'))
          .concat(fs.readdirSync(path.dirname(here.file)))
          .filter(isTemporaryName);
        expect(left, at).toEqual([]);
      }
    },
  );
});
