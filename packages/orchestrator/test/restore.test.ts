import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { makeTree } from '@homeserver/test-support';
import { restore } from '../src/index.ts';
import { lockServer } from '../src/lock-server.ts';
import { home, refusal } from './support.ts';

it("puts a module's backup back, under the lock", async () => {
  const { server, root } = home();
  makeTree(root, { etc: { one: 'old' } });
  const file = path.join(root, 'etc/one');
  const lock = await lockServer(server.paths, { purpose: 'updater backup' });
  await server.state.backupModuleState('web', { files: [file] });
  fs.writeFileSync(file, 'new');
  await expect(restore(server, 'web')).rejects.toThrow(refusal('locked'));
  lock.release();
  const { report, recovery } = await restore(server, 'web');
  expect(fs.readFileSync(file, 'utf8')).toBe('old');
  expect([report.restored, recovery.failed]).toEqual([[file], []]);
});

it('a module without a backup is named, and the lock is free afterwards', async () => {
  const { server } = home();
  await expect(restore(server, 'web')).rejects.toThrow(/web/);
  (await lockServer(server.paths, { purpose: 'updater run' })).release();
});
