import fs from 'node:fs';
import { expect, it } from 'vitest';
import { describeTree } from '@homeserver/test-support';
import { ORCHESTRATOR_VERSION, readStatus } from '../src/index.ts';
import { broken, home, install, module, scene } from './support.ts';

it('a server where nothing is yet has no modules and no runs, and is not touched by looking', () => {
  const { server, root } = home();
  expect(readStatus(server)).toEqual({
    orchestrator: { version: ORCHESTRATOR_VERSION, failed: [] },
    modules: [],
    lastRun: undefined,
    interrupted: false,
  });
  expect(fs.readdirSync(root)).toEqual([]);
});

it('tells of each module what is installed, whether it is on, and how its last run went', async () => {
  const here = await scene();
  await here.publish({ web: module('1.0.0'), off: module('1.0.0', '', { enabled: false }) });
  await here.cycle();
  await here.publish({ web: module('2.0.0', broken), fresh: module('1.0.0', broken) });
  const { id } = await here.cycle();
  await here.publish({ late: module('1.0.0') });
  await here.cycle({ only: 'replace', modules: ['late'] });
  install(here, 'odd', '1.0.0', { 'index.json': '' });
  const before = describeTree(here.root);
  const { modules, lastRun, interrupted } = readStatus(here.server);
  expect(describeTree(here.root)).toEqual(before);

  const failure = { version: '2.0.0', failures: 1, error: 'it is broken', nextTry: expect.any(Number) };
  expect(modules).toEqual([
    expect.objectContaining({ name: 'late', version: '1.0.0', enabled: true, unproven: true, failed: [] }),
    expect.objectContaining({
      name: 'odd',
      version: '1.0.0',
      enabled: false,
      problem: expect.stringMatching(/is empty$/),
    }),
    expect.objectContaining({ name: 'off', version: '1.0.0', enabled: false }),
    expect.objectContaining({
      name: 'web',
      version: '1.0.0',
      enabled: true,
      unproven: false,
      lastRun: { status: 'failed', error: 'it is broken', at: expect.any(Number) },
      failed: [expect.objectContaining(failure)],
    }),
    expect.objectContaining({
      name: 'fresh',
      version: undefined,
      enabled: false,
      failed: [expect.objectContaining({ ...failure, version: '1.0.0' })],
    }),
  ]);
  expect(interrupted).toBe(false);
  expect(lastRun?.outcome).toBe('ok');
  expect(lastRun?.id).not.toBe(id);
});

it('says that something was interrupted, also when that cannot be read', () => {
  const { server } = home();
  fs.mkdirSync(server.paths.stateDir);
  fs.writeFileSync(server.paths.replaceIntent, '{');
  expect(readStatus(server).interrupted).toBe(true);
});
