import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { describeFailures } from '../src/index.ts';
import { OperationsServer } from './operations/operations-server.ts';
import { Server } from './server.ts';

it('pools that failed at this version are told as their run did, until they are applied', async () => {
  const server = new Server({ a: 'old', b: 'old' });
  const closure = ['cd LIVE', 'echo no room >&2; grep -q old b || test -e room'];
  server.pools('1.0.0', [
    { id: 'web', files: { a: 'new' } },
    { id: 'dns', files: { b: 'new' }, closure },
  ]);
  expect(describeFailures(server.stateDir, '1.0.0')).toEqual([]);
  await server.apply();
  const failure =
    'pool dns: reverted: closure line 2 (echo no room >&2; grep -q old b || test -e room) exited 1: no room';
  expect(server.log).toContain(`error ${failure}`);
  expect(describeFailures(server.stateDir, '1.0.0')).toEqual([failure]);
  await server.apply(); // It is given up, and stays so.
  expect(describeFailures(server.stateDir, '1.0.0')).toEqual([failure]);
  expect(describeFailures(server.stateDir, '1.0.1')).toEqual([]);
  server.write('room', '');
  await server.apply({ retry: true });
  expect(server.read('b')).toBe('new');
  expect(describeFailures(server.stateDir, '1.0.0')).toEqual([]);
});

it('so are operations', async () => {
  const server = new OperationsServer();
  server.sources({ 'a.sh': 'exit 3\n' });
  server.operations('1.0.0', [{ id: 'a', type: 'execute', source: 'a.sh' }]);
  const { reason } = await server.applyOperations();
  expect(describeFailures(server.stateDir, '1.0.0')).toEqual([`operations of schema 1.0.0: reverted: ${reason}`]);
});

it('what is no record, or cannot be read, is none', () => {
  const stateDir = temporaryDirectory();
  fs.mkdirSync(path.join(stateDir, 'pools'));
  fs.writeFileSync(path.join(stateDir, 'pools/swimming.failed.json'), '{"state": "failed"}');
  fs.mkdirSync(path.join(stateDir, 'pools/deep.failed.json'));
  expect(describeFailures(stateDir, '1.0.0')).toEqual([]);
  fs.rmSync(path.join(stateDir, 'pools'), { recursive: true });
  fs.writeFileSync(path.join(stateDir, 'pools'), '');
  expect(describeFailures(stateDir, '1.0.0')).toEqual([]);
});
