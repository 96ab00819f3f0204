import { expect, it } from 'vitest';
import { HostProcess } from '../../src/run/host-process.ts';
import { listener } from '../support.ts';

it('a host that ends before it has begun with the module says so, and nothing is held against the module', async () => {
  const host = new HostProcess('run.1', [], listener());
  await host.end();
  const request = {
    name: 'web',
    version: '1.0.0',
    directory: '/store/web',
    entry: '/store/web/index.mjs',
    args: [],
    config: {},
    stateDir: '/state/web',
    backupDir: '/backups',
    updaterStateDir: '/state',
    dryRun: false,
    retry: false,
  };
  expect(await host.run(request, { timeoutMs: 10_000 }, listener())).toEqual({
    run: 'run.1.web',
    result: { success: false, error: 'was not run, because the process for it did not start' },
    displaced: [],
    reusable: false,
    stopped: true,
  });
});
