import fs from 'node:fs';
import path from 'node:path';
import { DEFAULT_BACKUP_DIR } from '@homeserver/state-manager';
import { makeTree, temporaryDirectory } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { DEFAULT_LOCATIONS, releasesToStart } from '../../src/start/index.ts';

/** A server with releases 1.9.0 and 2.0.0, and this record of them. */
function locations(record: unknown): { modulesPath: string; stateDir: string } {
  const root = temporaryDirectory();
  const release = { 'index.mjs': '' };
  makeTree(root, {
    lib: { orchestrator: { releases: { '1.9.0': release, '2.0.0': release } } },
    state: { 'orchestrator.json': JSON.stringify(record) },
  });
  fs.symlinkSync('releases/2.0.0', path.join(root, 'lib/orchestrator/current'));
  return { modulesPath: path.join(root, 'lib'), stateDir: path.join(root, 'state') };
}

const versions = (where: { modulesPath: string; stateDir: string }, installed = '1.0.0'): string[] =>
  releasesToStart(where, installed).map(({ version }) => version);

it('are the proven one, then the one before it', () => {
  expect(versions(locations({ format: 1, proven: '2.0.0', previous: '1.9.0' }))).toEqual(['2.0.0', '1.9.0']);
});

it('never are an unproven one, nor one that the installed program is newer than', () => {
  const unproven = { version: '2.0.0', tree: 'a', tries: 0 };
  expect(versions(locations({ format: 1, proven: '1.9.0', previous: null, unproven }))).toEqual(['1.9.0']);
  expect(versions(locations({ format: 1, proven: '2.0.0', previous: '1.9.0' }), '1.9.0')).toEqual(['2.0.0']);
  expect(versions(locations({ format: 1, proven: '2.0.0', previous: '1.9.0' }), '2.0.0')).toEqual([]);
});

it.each<[string, unknown]>([
  ['of another format', { format: 2, proven: '2.0.0' }],
  ['that names no versions', { format: 1, proven: '../../evil', previous: 7 }],
  ['that is no object', null],
  ['of a release that is not there', { format: 1, proven: '3.0.0', previous: null }],
])('are none by a record %s', (_, record) => {
  expect(versions(locations(record))).toEqual([]);
});

it('are none without the link, without a record, and none that somebody else can write to', () => {
  const proven = { format: 1, proven: '2.0.0', previous: null };
  const unlinked = locations(proven);
  fs.rmSync(path.join(unlinked.modulesPath, 'orchestrator/current'));
  const unrecorded = locations(proven);
  fs.rmSync(path.join(unrecorded.stateDir, 'orchestrator.json'));
  const open = locations(proven);
  fs.chmodSync(path.join(open.modulesPath, 'orchestrator/releases/2.0.0'), 0o777);
  expect([unlinked, unrecorded, open].map((where) => versions(where))).toEqual([[], [], []]);
});

it('are looked for in the places that every part of the project means', () => {
  expect(DEFAULT_LOCATIONS.backupDir).toBe(DEFAULT_BACKUP_DIR);
});
