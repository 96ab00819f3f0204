import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeTree, makeTree } from '@homeserver/test-support';
import { ORCHESTRATOR_VERSION, readStatus, why, type OrchestratorStatus, type RunRecord } from '../src/index.ts';
import { newRunId, readRunRecords, writeRunRecord } from '../src/report/run-record.ts';
import { describeNotProven } from '../src/self-update/not-proven.ts';
import { writeOrchestratorRecord, type OrchestratorRecord } from '../src/self-update/orchestrator-record.ts';
import { broken, home, install, main, module, scene } from './support.ts';

it('a server where nothing is yet has no modules and no runs, and is not touched by looking', () => {
  const { server, root } = home();
  expect(readStatus(server)).toEqual({
    orchestrator: { version: ORCHESTRATOR_VERSION, failed: [], problems: [] },
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

const inPart = main("return { success: true, reverted: ['pool dns: reverted: closure line 2 (x) exited 7'] };");

it('tells what of a module was put back in its last run, until a run finds nothing of the kind, or another version comes', async () => {
  const here = await scene();
  const parts = (): string[][] => readStatus(here.server).modules.map((one) => one.notInPlace);
  await here.publish({ web: module('1.0.0', inPart) });
  expect((await here.cycle()).outcomes).toMatchObject([{ status: 'succeeded' }]);
  expect(parts()).toEqual([['pool dns: reverted: closure line 2 (x) exited 7']]);
  expect(why(here.server, 'web')).toBe(
    'web 1.0.0 is not all in place: pool dns: reverted: closure line 2 (x) exited 7; once that is mended: updater run --retry --module web.',
  );
  await here.publish({ web: module('1.1.0') });
  await here.cycle({ only: 'replace' });
  expect(parts()).toEqual([[]]);
  await here.cycle();
  expect(parts()).toEqual([[]]);
});

it('remembers a pool that failed longer than the run it failed in', async () => {
  const here = await scene();
  await here.publish({ hotfix: module('1.0.0') });
  await here.cycle();
  const pools = path.join(here.server.paths.moduleStates, 'hotfix/pools');
  const failure = { format: 1, state: 'reverted', time: 1, reason: 'closure line 1 (x) exited 7', destinations: [] };
  makeTree(path.dirname(pools), {
    pools: { 'dns.failed.json': JSON.stringify({ ...failure, schema_version: '1.0.0' }) },
  });
  await here.cycle();
  const told = ['pool dns: reverted: closure line 1 (x) exited 7'];
  expect(readStatus(here.server).modules).toMatchObject([{ name: 'hotfix', notInPlace: told }]);
});

it('tells what could not be put back', async () => {
  const here = await scene();
  await here.publish({ web: module('1.0.0', main("return { success: true, rollbackFailed: ['pool dns: failed'] };")) });
  await here.cycle();
  expect(readStatus(here.server).modules[0]?.lastRun).toMatchObject({ rollbackFailed: ['pool dns: failed'] });
  expect(why(here.server, 'web')).not.toContain('could not be put back');
  fs.writeFileSync(here.server.paths.replaceIntent, '{'); // Something is open still.
  expect(why(here.server, 'web')).toBe(
    'web could not be put back (pool dns: failed): look at that, then: updater recover.',
  );
});

it('the last run is the one that took place last, though the clock was ahead in the one before', async () => {
  const here = await scene();
  await here.publish({ web: module('1.0.0') });
  await here.cycle();
  const { paths } = here.server;
  const [first] = readRunRecords(paths, 1) as [RunRecord];
  const ahead = Date.UTC(2090, 0, 1) / 1000;
  writeRunRecord(paths, { ...first, id: newRunId(new Date(ahead * 1000), 'abcdef'), started: ahead, ended: ahead });
  await here.publish({ web: module('2.0.0', broken) });
  const { id, ended } = await here.cycle();
  const { lastRun, modules } = readStatus(here.server);
  expect(lastRun).toMatchObject({ id, outcome: 'failed' });
  expect(modules).toMatchObject([{ name: 'web', lastRun: { status: 'failed', at: ended } }]);
});

/** A server with these notes about releases, and a run that had these problems with them. */
async function withReleases(record: Partial<OrchestratorRecord>, problems: string[]): Promise<OrchestratorStatus> {
  const here = await scene();
  await here.publish({ web: module('1.0.0') });
  await here.cycle();
  const { paths } = here.server;
  writeOrchestratorRecord(paths.orchestratorRecord, { proven: null, previous: null, ...record });
  const [last] = readRunRecords(paths, 1) as [RunRecord];
  writeRunRecord(paths, { ...last, orchestrator: { problems } });
  return readStatus(here.server).orchestrator;
}

describe('a release of the updater', () => {
  const failure = { tree: 'a'.repeat(40), failures: 1, last_failure: 1, error: '3 tries did not finish a cycle' };

  it('that failed is told with how it ended at last, as long as it is newer than what runs', async () => {
    const last = describeNotProven('9.0.0', 'it was ended by SIGKILL', 3);
    const failed = [
      { ...failure, version: '0.0.1' },
      { ...failure, version: '9.0.0' },
    ];
    expect(await withReleases({ failed }, [last, 'Orchestrator 9.9.9 is refused: why'])).toMatchObject({
      failed: [{ version: '9.0.0', error: '3 tries did not finish a cycle', lastTry: 'it was ended by SIGKILL' }],
      problems: ['Orchestrator 9.9.9 is refused: why'],
    });
  });

  it('that has not finished a cycle yet is told with why', async () => {
    const unproven = { version: '9.0.0', tree: 'b'.repeat(40), tries: 1 };
    const last = describeNotProven('9.0.0', 'it ended with exit code 1, and had not finished the cycle', 1);
    expect(await withReleases({ unproven }, [last])).toEqual({
      version: ORCHESTRATOR_VERSION,
      unproven: { version: '9.0.0', tries: 1, lastTry: 'it ended with exit code 1, and had not finished the cycle' },
      failed: [],
      problems: [],
    });
  });
});

it('says that something was interrupted, also when that cannot be read', () => {
  const { server } = home();
  fs.mkdirSync(server.paths.stateDir);
  fs.writeFileSync(server.paths.replaceIntent, '{');
  expect(readStatus(server).interrupted).toBe(true);
});
