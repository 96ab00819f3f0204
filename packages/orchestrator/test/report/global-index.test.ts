import fs from 'node:fs';
import { expect, it } from 'vitest';
import { makeTree } from '@homeserver/test-support';
import { writeGlobalIndex } from '../../src/report/global-index.ts';
import { ORCHESTRATOR_VERSION } from '../../src/version.ts';
import { globalIndex, home, install, module, pointAt, type Home } from '../support.ts';

function homeWithModules(): Home {
  const here = home();
  pointAt(here, 'web.backup', install(here, 'web', '1.0.0'));
  install(here, 'mail', '2.0.0', { 'index.json': '' });
  makeTree(here.server.paths.modules, { plain: module('0.5.0'), unreadable: {} });
  return here;
}

const packages = { mail: '2.0.0', plain: '0.5.0', web: '1.0.0' };

it.each<[string, (file: string) => void]>([
  ['is missing', () => {}],
  ['is empty', (file) => fs.writeFileSync(file, '')],
  ['is garbage', (file) => fs.writeFileSync(file, Buffer.from([0, 1, 2, 0xff]))],
  ['was cut', (file) => fs.writeFileSync(file, '{"metadata": {"schema_v')],
  ['is a list', (file) => fs.writeFileSync(file, '[]')],
  ['is null', (file) => fs.writeFileSync(file, 'null')],
  ['has metadata of another type', (file) => fs.writeFileSync(file, '{"metadata": [1], "packages": 3}')],
])('is derived from what is installed when it %s', (_, damage) => {
  const here = homeWithModules();
  damage(here.server.paths.globalIndex);
  writeGlobalIndex(here.server.paths);
  expect(globalIndex(here)).toEqual({ metadata: { schema_version: '1.0.0', channel: 'stable' }, packages });
});

it('forgets what is not there any more, corrects what is wrong, and keeps the channel', () => {
  const here = homeWithModules();
  const stale = { metadata: { schema_version: '3.1.4', channel: 'beta' }, packages: { gone: '1.0.0', web: '9.9.9' } };
  fs.writeFileSync(here.server.paths.globalIndex, JSON.stringify(stale));
  writeGlobalIndex(here.server.paths);
  expect(globalIndex(here)).toEqual({ metadata: { schema_version: ORCHESTRATOR_VERSION, channel: 'beta' }, packages });
});

it('is in the form of the specification, and readable by everybody', () => {
  const here = home();
  install(here, 'web', '1.0.0');
  writeGlobalIndex(here.server.paths);
  expect(fs.readFileSync(here.server.paths.globalIndex, 'utf8')).toBe(`{
    "metadata": {
        "schema_version": "1.0.0",
        "channel": "stable"
    },
    "packages": {
        "web": "1.0.0"
    }
}
`);
  expect(fs.statSync(here.server.paths.globalIndex).mode & 0o777).toBe(0o644);
});

it('is not written when it is right already', () => {
  const here = homeWithModules();
  writeGlobalIndex(here.server.paths);
  const before = fs.statSync(here.server.paths.globalIndex, { bigint: true });
  writeGlobalIndex(here.server.paths);
  const after = fs.statSync(here.server.paths.globalIndex, { bigint: true });
  expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
});
