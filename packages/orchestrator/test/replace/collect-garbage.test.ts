import fs from 'node:fs';
import { expect, it } from 'vitest';
import { makeTree } from '@homeserver/test-support';
import { collectGarbage } from '../../src/replace/collect-garbage.ts';
import { entriesInStore, home, install, markUnproven, module, pointAt, store } from '../support.ts';

it('a server where nothing is yet has no garbage', () => {
  const here = home();
  collectGarbage(here.server.paths);
  expect(fs.readdirSync(here.root)).toEqual([]);
});

it('what a link points at stays, and what an unproven version may go back to', () => {
  const here = home();
  install(here, 'web', '3.0.0');
  pointAt(here, 'web.backup', store(here, 'web', '2.0.0'));
  markUnproven(here, 'web', {
    entry: store(here, 'web', '9.9.9'),
    previous: store(here, 'web', '1.5.0'),
    previous_backup: store(here, 'web', '1.0.0'),
  });
  store(here, 'web', '0.5.0');
  store(here, 'gone', '1.0.0');
  collectGarbage(here.server.paths);
  expect(entriesInStore(here)).toEqual(['web@1.0.0', 'web@1.5.0', 'web@2.0.0', 'web@3.0.0']);
});

it('half-made things go from everywhere we write; what is not ours stays', () => {
  const here = home();
  install(here, 'web', '1.0.0');
  const temporary = '.homeserver-updates-0123456789abcdef.tmp';
  const { modules, store: storeDir, stateDir, runs, modulesPath } = here.server.paths;
  const places = [modules, storeDir, stateDir, runs, modulesPath];
  for (const place of places) {
    fs.mkdirSync(place, { recursive: true });
    makeTree(place, { [temporary]: { 'index.json': '' }, 'owner.tmp': '', '.hidden': '' });
  }
  makeTree(storeDir, { notes: {}, 'package.json': '{}' });
  collectGarbage(here.server.paths);
  for (const place of places) expect(fs.readdirSync(place)).toEqual(expect.arrayContaining(['.hidden', 'owner.tmp']));
  for (const place of places) expect(fs.readdirSync(place)).not.toContain(temporary);
  expect(fs.readdirSync(storeDir)).toEqual(expect.arrayContaining(['notes', 'package.json']));
  expect(module('1.0.0')['index.mjs']).toBe(fs.readFileSync(here.at('web/index.mjs'), 'utf8'));
});
