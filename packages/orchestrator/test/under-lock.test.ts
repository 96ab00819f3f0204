import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTree } from '@homeserver/test-support';
import { underLock } from '../src/index.ts';
import { lockServer } from '../src/lock-server.ts';
import { home, refusal, type Home } from './support.ts';

const purpose = 'updater restore web';

async function backedUp(): Promise<Home & { file: string }> {
  const here = home();
  makeTree(here.root, { etc: { one: 'old' } });
  const file = path.join(here.root, 'etc/one');
  const { state } = here.server;
  await underLock(here.server, { purpose }, () => state.backupModuleState('web', { files: [file] }));
  fs.writeFileSync(file, 'new');
  return { ...here, file };
}

describe('work on a server', () => {
  it('is done under the lock, and what it found out comes back', async () => {
    const { server, file } = await backedUp();
    const lock = await lockServer(server.paths, { purpose: 'updater backup' });
    const restore = (): Promise<unknown> =>
      underLock(server, { purpose }, () => server.state.restoreModuleState('web'));
    await expect(restore()).rejects.toThrow(refusal('locked'));
    lock.release();
    expect(await restore()).toMatchObject({ result: { restored: [file] }, recovery: { recovered: [], failed: [] } });
    expect(fs.readFileSync(file, 'utf8')).toBe('old');
  });

  it('that fails leaves the lock free', async () => {
    const { server } = home();
    await expect(underLock(server, { purpose }, () => server.state.restoreModuleState('web'))).rejects.toThrow(/web/);
    (await lockServer(server.paths, { purpose: 'updater run' })).release();
  });

  it('does not begin when an earlier change cannot be undone, unless that is only to be reported', async () => {
    const { server } = await backedUp();
    makeTree(server.paths.backupDir, { journal: { '0123456789abcdef.json': '{' } });
    let begun = 0;
    const act = async (): Promise<number> => (begun += 1);
    await expect(underLock(server, { purpose }, act)).rejects.toThrow(refusal('rollback-failed'));
    expect(begun).toBe(0);
    const { result, recovery } = await underLock(server, { purpose, ifNotRecovered: 'report' }, act);
    expect([result, recovery.failed]).toEqual([1, [expect.stringContaining('0123456789abcdef.json')]]);
  });
});
