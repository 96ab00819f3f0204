import fs from 'node:fs';
import { expect, it } from 'vitest';
import { update } from '../../src/index.ts';
import { readRunRecords } from '../../src/report/run-record.ts';
import type { Server } from '../../src/server.ts';
import { home, install, main, module, type Home } from '../support.ts';

/** Three modules; `odd` is the one that something nobody has expected happens to. */
function three(): Home {
  const here = home();
  const runs = main(`fs.writeFileSync(context.stateDir + '/ran', ''); return { success: true, changed: true };`);
  for (const [at, name] of ['first', 'odd', 'last'].entries())
    install(here, name, '1.0.0', module('1.0.0', runs, { priority: at }));
  return here;
}

async function outcomesOf(server: Server): Promise<(string | undefined)[][]> {
  await update(server, { only: 'run' });
  const [record] = readRunRecords(server.paths, 1);
  expect(record?.outcome).toBe('failed');
  return (record?.modules ?? []).map(({ name, status, error }) => [name, status, error]);
}

it('settings that are too deep to be handed to a module are its failure alone', async () => {
  const here = three();
  const settings = `{"deep": ${'['.repeat(5000)}${']'.repeat(5000)}}`;
  fs.mkdirSync(here.server.paths.stateDir, { recursive: true, mode: 0o700 });
  fs.writeFileSync(here.server.paths.ownerChoices, `{"format": 1, "modules": {"odd": {"settings": ${settings}}}}`);
  expect(await outcomesOf(here.server)).toEqual([
    ['first', 'succeeded', undefined],
    ['odd', 'failed', 'it could not be run: Maximum call stack size exceeded'],
    ['last', 'succeeded', undefined],
  ]);
});

it('an exception around the run of one module is its failure alone', async () => {
  const here = three();
  const logFor: Server['logFor'] = (name) => {
    if (name === 'odd') throw new Error('it has no log');
    return here.server.logFor(name);
  };
  expect(await outcomesOf({ ...here.server, logFor })).toEqual([
    ['first', 'succeeded', undefined],
    ['odd', 'failed', 'it could not be run: it has no log'],
    ['last', 'succeeded', undefined],
  ]);
});
