import { describe, expect, it } from 'vitest';
import { repositoryWith } from '../support/module-files.ts';
import { serverFolder } from '../support/server-folder.ts';

describe('updater plan', { timeout: 60_000 }, () => {
  it('says file by file what a run would do, ends with 10, and changes nothing', async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    await server.updater('run');
    await server.repository.commit(repositoryWith({ one: { version: '1.1.0' }, two: { version: '1.0.0' } }));
    const before = server.contents();
    const { exitCode, stdout } = await server.updater('plan');
    expect(exitCode).toBe(10);
    expect(stdout).toMatch(
      /^Would replace one: 1\.0\.0 → 1\.1\.0\n  changed index\.json\n    --- index\.json\n    \+\+\+ index\.json\n/,
    );
    expect(stdout).toContain('Would install two 1.0.0:\n  added index.json\n  added index.ts\n');
    expect(stdout).toMatch(
      /Would run, in this order:\n  1\. one 1\.1\.0: opaque \(main\(\) of index\.ts\)\n  2\. two 1\.0\.0: opaque .*\nNothing was changed\. To do it: updater run\n$/,
    );
    expect(server.contents()).toEqual(before);
  });

  it('is what "run --dry-run" does; up to date, it ends with 0', async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    const dry = await server.answer('run', '--dry-run');
    expect([dry.exitCode, dry.answer.schema]).toEqual([10, 'homeserver-updates/plan@1']);
    expect(dry.answer.data).toMatchObject({
      would_change: true,
      updates: [{ name: 'one', from: null, to: '1.0.0' }],
      runs: [{ name: 'one' }],
    });
    await server.updater('run');
    const { exitCode, answer } = await server.answer('plan');
    expect([exitCode, answer.data.updates, answer.data.would_change]).toEqual([0, [], false]);
  });
});
