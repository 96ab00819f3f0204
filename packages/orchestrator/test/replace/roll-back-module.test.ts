import fs from 'node:fs';
import { expect, it } from 'vitest';
import { describeTree } from '@homeserver/test-support';
import { readModuleRecords } from '../../src/records/module-records.ts';
import { rollBackModule } from '../../src/replace/roll-back-module.ts';
import {
  entriesInStore,
  globalIndex,
  home,
  install,
  links,
  markUnproven,
  pointAt,
  refusal,
  store,
  treeOf,
  type Home,
} from '../support.ts';

/** web 2.0.0, not proven yet; 1.0.0 before it, whose backup was 0.9.0. */
function unprovenWeb(): Home {
  const here = home();
  const entry = install(here, 'web', '2.0.0');
  const previous = store(here, 'web', '1.0.0');
  pointAt(here, 'web.backup', previous);
  markUnproven(here, 'web', { entry, previous, previous_backup: store(here, 'web', '0.9.0'), starts: 1 });
  return here;
}

it('brings the version before and its backup back, and remembers the failure by tree', () => {
  const here = unprovenWeb();
  expect(rollBackModule(here.server.paths, 'web', 'it is broken', 1000)).toEqual({
    name: 'web',
    failedVersion: '2.0.0',
    version: '1.0.0',
  });
  expect(links(here)).toEqual(['web 1.0.0', 'web.backup 0.9.0']);
  expect(entriesInStore(here)).toEqual(['web@0.9.0', 'web@1.0.0']);
  expect(globalIndex(here).packages).toEqual({ web: '1.0.0' });
  expect(readModuleRecords(here.server.paths.moduleRecords)).toEqual({
    web: {
      failed: [{ tree: treeOf('web@2.0.0'), version: '2.0.0', failures: 1, last_failure: 1000, error: 'it is broken' }],
    },
  });
});

it('removes a first installation again', () => {
  const here = home();
  markUnproven(here, 'web', { entry: install(here, 'web', '2.0.0') });
  expect(rollBackModule(here.server.paths, 'web', 'it is broken', 1000)?.version).toBeUndefined();
  expect([links(here), entriesInStore(here), globalIndex(here).packages]).toEqual([[], [], {}]);
});

it('a second failure of the same tree is counted, however long its text', () => {
  const here = unprovenWeb();
  rollBackModule(here.server.paths, 'web', 'x'.repeat(10_000), 1000);
  const entry = install(here, 'web', '2.0.0');
  markUnproven(here, 'web', { entry, previous: `web@1.0.0-${treeOf('web@1.0.0')}` });
  rollBackModule(here.server.paths, 'web', 'y'.repeat(10_000), 2000);
  const { web } = readModuleRecords(here.server.paths.moduleRecords);
  expect(web?.failed).toEqual([
    { tree: treeOf('web@2.0.0'), version: '2.0.0', failures: 2, last_failure: 2000, error: 'y'.repeat(500) },
  ]);
});

it('does nothing for a proven version', () => {
  const here = home();
  install(here, 'web', '2.0.0');
  const before = describeTree(here.root);
  expect(rollBackModule(here.server.paths, 'web', 'it is broken', 1000)).toBeUndefined();
  expect(describeTree(here.root)).toEqual(before);
});

it('does nothing when another version was put in its place by hand', () => {
  const here = unprovenWeb();
  pointAt(here, 'web', store(here, 'web', '3.0.0'));
  const before = describeTree(here.root);
  expect(rollBackModule(here.server.paths, 'web', 'it is broken', 1000)).toBeUndefined();
  expect(describeTree(here.root)).toEqual(before);
});

it('does not overwrite the note of an earlier switch that is still open', () => {
  const here = unprovenWeb();
  const intent = { format: 1, id: '0', kind: 'update', switches: [] };
  fs.writeFileSync(here.server.paths.replaceIntent, JSON.stringify(intent));
  const before = describeTree(here.root);
  expect(() => rollBackModule(here.server.paths, 'web', 'it is broken', 1000)).toThrow(
    refusal('rollback-failed', /an earlier switch is still open/),
  );
  expect(describeTree(here.root)).toEqual(before);
});
