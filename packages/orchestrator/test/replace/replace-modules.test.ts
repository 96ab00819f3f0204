import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { makeFifo } from '@homeserver/system';
import { describeTree, file, link, makeTree } from '@homeserver/test-support';
import {
  entriesInStore,
  globalIndex,
  install,
  links,
  markUnproven,
  module,
  quiet,
  scene,
  startUpdater,
  unprovenOf,
  useUpdaterUmask,
  type Scene,
} from '../support.ts';
import { readRunRecords } from '../../src/report/run-record.ts';
import { storeEntryName } from '../../src/store/store-entry.ts';

/** One cycle that replaces and does not run. */
async function replace(here: Scene): Promise<{ replaced: string[]; notReplaced: { name: string; error: string }[] }> {
  const { replaced, notReplaced } = await here.cycle({ only: 'replace' });
  return { replaced: replaced.map(({ name }) => name), notReplaced };
}

it('a first installation: the tree in the store, a link to it, the index; and no backup', async () => {
  const here = await scene();
  const tree = {
    ...module('1.0.0'),
    'run.sh': file('#!/bin/sh\n', 0o755),
    src: { deep: { 'data.bin': Uint8Array.of(0, 255, 10) }, 'to-data': link('deep/data.bin') },
  };
  await here.publish({ web: tree });
  makeTree(here.root, { expected: tree });
  useUpdaterUmask();
  expect(await replace(here)).toEqual({ replaced: ['web'], notReplaced: [] });

  expect(links(here)).toEqual(['web 1.0.0']);
  const plain = { times: false, owners: false };
  const installed = fs.realpathSync(here.at('web'));
  expect(describeTree(installed, plain)).toEqual(describeTree(path.join(here.root, 'expected'), plain));
  const treeId = await here.repository.git('rev-parse', 'HEAD:modules/web');
  expect(path.basename(installed)).toBe(`web@1.0.0-${treeId.slice(0, 12)}`);
  expect(globalIndex(here)).toEqual({
    metadata: { schema_version: '1.0.0', channel: 'stable' },
    packages: { web: '1.0.0' },
  });
  expect(unprovenOf(here, 'web')).toMatchObject({ previous: null, previous_backup: null, starts: 0 });
  expect(fs.existsSync(here.server.paths.replaceIntent)).toBe(false);
});

it('an update: the link moves on, the backup is the version before, and older ones go once it is proven', async () => {
  const here = await scene();
  for (const version of ['1.0.0', '2.0.0', '3.0.0']) {
    await here.publish({ web: module(version) });
    await replace(here);
    expect(unprovenOf(here, 'web')?.starts).toBe(0);
    await here.cycle({ only: 'run' });
  }
  expect(links(here)).toEqual(['web 3.0.0', 'web.backup 2.0.0']);
  expect(entriesInStore(here)).toEqual(['web@2.0.0', 'web@3.0.0']);
  expect(globalIndex(here).packages).toEqual({ web: '3.0.0' });
});

it('until then the backup of the version before stays, for a rollback brings it back too', async () => {
  const here = await scene();
  for (const version of ['1.0.0', '2.0.0', '3.0.0']) {
    if (version !== '1.0.0') await here.cycle({ only: 'run' });
    await here.publish({ web: module(version) });
    await replace(here);
  }
  expect(links(here)).toEqual(['web 3.0.0', 'web.backup 2.0.0']);
  expect(entriesInStore(here)).toEqual(['web@1.0.0', 'web@2.0.0', 'web@3.0.0']);
});

it('a version that never succeeded does not become the backup: the one before it stays', async () => {
  const here = await scene();
  await here.publish({ web: module('1.0.0') });
  await here.cycle();
  for (const version of ['2.0.0', '3.0.0']) {
    await here.publish({ web: module(version) });
    await replace(here);
  }
  expect(links(here)).toEqual(['web 3.0.0', 'web.backup 1.0.0']);
  expect(unprovenOf(here, 'web')).toMatchObject({ previous: expect.stringMatching(/^web@1\.0\.0-/) });
  expect(entriesInStore(here)).toEqual(['web@1.0.0', 'web@3.0.0']);
});

it("the predecessor's plain directory becomes the backup as it is, in place of its copy", async () => {
  const here = await scene();
  const old = { ...module('1.0.0'), 'notes.txt': 'by the owner', empty: {} };
  makeTree(here.server.paths.modulesPath, { modules: { web: old, 'web.backup': module('0.9.0') } });
  const inode = fs.statSync(here.at('web/notes.txt')).ino;
  await here.publish({ web: module('1.1.0') });
  expect(await replace(here)).toEqual({ replaced: ['web'], notReplaced: [] });

  expect(links(here)).toEqual(['web 1.1.0', 'web.backup 1.0.0']);
  expect(fs.statSync(here.at('web.backup/notes.txt')).ino).toBe(inode);
  expect(fs.readdirSync(here.at('web.backup')).sort()).toEqual(['empty', 'index.json', 'index.mjs', 'notes.txt']);
});

it('a plain directory that was copied back from the store by hand is taken over again', async () => {
  const here = await scene();
  await here.publish({ web: module('1.0.0') });
  await here.cycle();
  fs.cpSync(fs.realpathSync(here.at('web')), here.at('copy'), { recursive: true });
  fs.rmSync(here.at('web'));
  fs.renameSync(here.at('copy'), here.at('web'));
  fs.symlinkSync(`../store/${entryOf(here, 'web@1.0.0')}`, here.at('web.backup'));
  await here.publish({ web: module('1.1.0') });
  expect(await replace(here)).toEqual({ replaced: ['web'], notReplaced: [] });
  expect(links(here)).toEqual(['web 1.1.0', 'web.backup 1.0.0']);
  expect(entriesInStore(here)).toEqual(['web@1.0.0', 'web@1.1.0']);
});

function entryOf({ server }: Scene, version: string): string {
  return fs.readdirSync(server.paths.store).find((name) => name.startsWith(`${version}-`)) ?? '';
}

it('a module that cannot be replaced fails alone, by name', async () => {
  const here = await scene();
  makeTree(here.server.paths.modulesPath, { modules: { odd: module('1.0.0') } });
  makeFifo(here.at('odd/pipe'), 0o600);
  await here.publish({
    good: module('1.0.0'),
    odd: module('2.0.0'),
    escaping: { ...module('1.0.0'), out: link('../../../etc/passwd') },
  });
  const { replaced, notReplaced } = await replace(here);
  expect(replaced).toEqual(['good']);
  expect(notReplaced).toEqual([
    {
      name: 'odd',
      error: expect.stringMatching(/^modules\/odd: refused .*odd\/pipe: it is no file, directory or link$/),
    },
    { name: 'escaping', error: expect.stringMatching(/^modules\/escaping: refused .*out/) },
  ]);
  expect(links(here)).toEqual(['good 1.0.0', 'odd (no link)']);
  expect(entriesInStore(here)).toEqual(['good@1.0.0']);
  expect(globalIndex(here).packages).toEqual({ good: '1.0.0', odd: '1.0.0' });
});

const withoutStoreTime = (lines: string[]): string[] => lines.filter((line) => !line.startsWith('./store dir'));

it('a tree that the disk cannot take holds up no other', async () => {
  const here = await scene();
  const large = { ...module('1.0.0'), 'large.bin': new Uint8Array(4 * 1024 * 1024) };
  await here.publish({ good: module('1.0.0'), large, other: module('1.0.0') });
  const repository = { url: here.repository.url, branch: 'main' };
  expect(await startUpdater(here, { repository, only: 'replace' }, 2 * 1024 * 1024).ended).toBe(0);
  const [record] = readRunRecords(here.server.paths, 1);
  expect(record?.not_updated).toEqual([
    { name: 'large', why: expect.stringMatching(/^modules\/large: cannot write .*large\.bin: EFBIG/) },
  ]);
  expect(record?.updated.map(({ name }) => name)).toEqual(['good', 'other']);
  expect(links(here)).toEqual(['good 1.0.0', 'other 1.0.0']);
  expect(fs.readdirSync(here.server.paths.store)).toHaveLength(3);
});

it('a version whose files are damaged is installed again, and stays what it was: proven, with its backup', async () => {
  const here = await scene();
  for (const version of ['1.0.0', '2.0.0']) {
    await here.publish({ web: module(version) });
    await here.cycle();
  }
  fs.truncateSync(here.at('web/index.json'));
  fs.rmSync(here.at('web/index.mjs'));
  expect(await replace(here)).toEqual({ replaced: ['web'], notReplaced: [] });
  expect(here.said).toContainEqual(
    expect.stringMatching(/^warn: Module web 2\.0\.0 is damaged, .*index\.json: is empty$/),
  );
  expect(fs.readFileSync(here.at('web/index.mjs'), 'utf8')).toBe(quiet);
  expect([links(here), unprovenOf(here, 'web')]).toEqual([['web 2.0.0', 'web.backup 1.0.0'], undefined]);
});

it('when every module of a batch fails, the server is as it was', async () => {
  const here = await scene();
  await here.publish({ web: module('1.0.0') });
  await here.cycle();
  const before = describeTree(here.server.paths.modulesPath);
  await here.publish({ web: { ...module('2.0.0'), out: link('/etc/passwd') } });
  expect((await replace(here)).notReplaced).toHaveLength(1);
  expect(withoutStoreTime(describeTree(here.server.paths.modulesPath))).toEqual(withoutStoreTime(before));
  expect(fs.existsSync(here.server.paths.replaceIntent)).toBe(false);
});

/** A server with web 1.0.0 whose store has an entry for the 1.1.0 of the repository already. */
async function withEntry(): Promise<Scene & { entry: string }> {
  const here = await scene();
  const next = module('1.1.0');
  await here.publish({ web: next });
  const name = storeEntryName('web', '1.1.0', await here.repository.git('rev-parse', 'HEAD:modules/web'));
  // Something must refer to it, or it is garbage.
  markUnproven(here, 'web', { entry: install(here, 'web', '1.0.0'), previous: name });
  makeTree(here.server.paths.store, { [name]: next });
  return { ...here, entry: path.join(here.server.paths.store, name) };
}

it('an entry of the store that is good is used again', async () => {
  const here = await withEntry();
  const inode = fs.statSync(here.entry).ino;
  expect((await replace(here)).replaced).toEqual(['web']);
  expect(fs.statSync(here.at('web/')).ino).toBe(inode);
});

it.each<[string, (entry: string) => void]>([
  ['a changed file', (entry) => fs.appendFileSync(`${entry}/index.mjs`, '// changed')],
  ['a missing file', (entry) => fs.rmSync(`${entry}/index.mjs`)],
  ['an empty file', (entry) => fs.truncateSync(`${entry}/index.json`)],
  ['a file too many', (entry) => fs.writeFileSync(`${entry}/extra`, '')],
  ['a directory too many', (entry) => fs.mkdirSync(`${entry}/extra`)],
  ['a mode', (entry) => fs.chmodSync(`${entry}/index.mjs`, 0o755)],
  ['a FIFO', (entry) => makeFifo(`${entry}/pipe`, 0o600)],
  ['a file in its place', (entry) => void (fs.rmSync(entry, { recursive: true }), fs.writeFileSync(entry, ''))],
])('an entry of the store that is damaged (%s) is staged anew', async (_, damage) => {
  const here = await withEntry();
  damage(here.entry);
  expect(await replace(here)).toEqual({ replaced: ['web'], notReplaced: [] });
  expect(fs.readdirSync(here.at('web')).sort()).toEqual(['index.json', 'index.mjs']);
  expect(fs.readFileSync(here.at('web/index.mjs'), 'utf8')).toBe(quiet);
  expect(fs.statSync(here.at('web/index.mjs')).mode & 0o777).toBe(0o644);
});
