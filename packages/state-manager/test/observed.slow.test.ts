import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { childEnvironment } from '@homeserver/system';
import { asOrdinaryUser, describeUnderSupervision, file, killAtCall } from '@homeserver/test-support';
import { expect } from 'vitest';
import { asRoot, scene } from './scene.ts';

const fixture = path.join(import.meta.dirname, 'fixtures/once.ts');

/* Somebody without rights looks at every file of the backups before each call that changes one: between them nothing can change. */

await describeUnderSupervision('while files and a database are backed up and restored', () => {
  asRoot(
    'nobody else can read anything below the backup and state directories, at no instant, whatever the umask',
    async () => {
      const here = scene({
        tree: { open: file('everybody may read this', 0o644), locked: file('x', 0o600) },
        single: 'old',
      });
      const database = new DatabaseSync(here.at('app.db'));
      database.exec("CREATE TABLE people (name text); INSERT INTO people VALUES ('a')");
      database.close();
      fs.chmodSync(here.root, 0o755);
      const seen = path.join(here.root, 'seen');
      // root knows every name; what the other one needs is only the way there. One open file shows that they can see at all.
      const names = `find ${here.backupDir} ${here.stateDir} ${here.at('tree/open')} -print0 2>/dev/null`;
      const look = asOrdinaryUser(['find', '-files0-from', '-', '-maxdepth', '0', '-readable', '-print']).join(' ');
      const { calls, exitCode, stderr } = await killAtCall(
        ['sh', '-c', `umask 0; exec ${process.execPath} ${fixture} ${here.root} 'back up, change and restore'`],
        1,
        {
          under: [here.root],
          mode: 'hook',
          sticky: true,
          hook: `${names} | ${look} >> ${seen} 2>/dev/null`,
          env: childEnvironment(),
          timeoutMs: 170_000,
        },
      );
      expect({ exitCode, stderr, single: here.read('single') }).toEqual({ exitCode: 0, stderr: '', single: 'old' });
      expect(calls.length).toBeGreaterThan(100);
      const found = fs.readFileSync(seen, 'utf8').trimEnd().split('\n');
      expect(found).toEqual(calls.map(() => here.at('tree/open')));
    },
  );
});
