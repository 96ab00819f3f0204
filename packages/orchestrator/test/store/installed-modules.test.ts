import fs from 'node:fs';
import { expect, it } from 'vitest';
import { makeTree } from '@homeserver/test-support';
import { installedModules } from '../../src/store/installed-modules.ts';
import { home, install, module, pointAt } from '../support.ts';

it('no modules directory is a server without modules', () => {
  expect(installedModules(home().server.paths).size).toBe(0);
});

it('a linked module has the version of its link, also when its index says something else or cannot be read', () => {
  const here = home();
  install(here, 'a', '1.0.0', module('9.9.9'));
  install(here, 'b', '2.0.0', { 'index.json': '' });
  const { a, b } = Object.fromEntries(installedModules(here.server.paths));
  expect([a?.version, a?.index.ok, b?.version]).toEqual(['1.0.0', true, '2.0.0']);
  expect(b?.index).toEqual({ ok: false, problem: `${b?.directory}/index.json: is empty` });
});

it('a plain directory has the version that its index says, or none', () => {
  const here = home();
  makeTree(here.server.paths.modules, { a: module('1.0.0'), b: {}, c: { 'index.json': '{' } });
  const found = [...installedModules(here.server.paths).values()];
  expect(found.map(({ name, version, entry }) => [name, version, entry])).toEqual([
    ['a', '1.0.0', undefined],
    ['b', undefined, undefined],
    ['c', undefined, undefined],
  ]);
  expect(found[1]?.index).toEqual({ ok: false, problem: `${here.at('b')}/index.json: is missing` });
});

it("somebody's own link is a module, and is known as such", () => {
  const here = home();
  makeTree(here.root, { own: module('3.0.0') });
  fs.mkdirSync(here.server.paths.modules, { recursive: true });
  fs.symlinkSync('../../own', here.at('a'));
  const found = installedModules(here.server.paths).get('a');
  expect(found).toMatchObject({ version: '3.0.0', entry: undefined, elsewhere: '../../own', directory: here.at('a') });
});

it('backups, files, temps and names that are none are not modules; a link into nothing is one that cannot be used', () => {
  const here = home();
  const entry = install(here, 'web', '1.0.0');
  pointAt(here, 'web.backup', entry);
  makeTree(here.server.paths.modules, { 'README.md': '', readme: '', '.hidden': {}, Upper: {} });
  pointAt(here, 'gone', 'gone@1.0.0-aaaaaaaaaaaa');
  const found = installedModules(here.server.paths);
  expect([...found.keys()]).toEqual(['gone', 'web']);
  expect(found.get('gone')?.index).toMatchObject({
    ok: false,
    problem: expect.stringMatching(/gone@1\.0\.0.*: is missing$/),
  });
});
