import fs from 'node:fs';
import path from 'node:path';
import { makeTree } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { giveUpUnproven } from '../../src/self-update/give-up-release.ts';
import {
  readOrchestratorRecord,
  writeOrchestratorRecord,
  type OrchestratorRecord,
} from '../../src/self-update/orchestrator-record.ts';
import { recoverReleases } from '../../src/self-update/recover-releases.ts';
import { linkedVersion, pointCurrentAt, releasesThere } from '../../src/self-update/releases.ts';
import { releasesToStart } from '../../src/start/releases-to-start.ts';
import { home, type Home } from '../support.ts';

const unproven = { version: '3.0.0', tree: 'c'.repeat(40), tries: 1 };
const ran: OrchestratorRecord = { proven: '2.0.0', previous: null };

/** A server with releases 2.0.0 and 3.0.0, of which `linked` is current. */
function server(record: OrchestratorRecord | undefined, linked: string | null): Home {
  const here = home();
  const { paths } = here.server;
  const release = { 'index.mjs': '' };
  fs.mkdirSync(path.join(paths.orchestrator, 'releases'), { recursive: true });
  makeTree(path.join(paths.orchestrator, 'releases'), { '2.0.0': release, '3.0.0': release });
  fs.mkdirSync(paths.stateDir);
  if (record !== undefined) writeOrchestratorRecord(paths.orchestratorRecord, record);
  pointCurrentAt(paths, linked);
  return here;
}

function stateOf({ server: { paths } }: Home) {
  const { unproven: one, ...record } = readOrchestratorRecord(paths.orchestratorRecord);
  return { ...record, unproven: one?.version, linked: linkedVersion(paths), there: releasesThere(paths).sort() };
}

it('leaves what is in order as it is', () => {
  const here = server({ ...ran, unproven }, '3.0.0');
  expect(recoverReleases(here.server.paths)).toEqual([]);
  expect(stateOf(here)).toEqual({ ...ran, unproven: '3.0.0', linked: '3.0.0', there: ['2.0.0', '3.0.0'] });
});

it('forgets a release that was cut off before it was current', () => {
  const here = server({ ...ran, unproven }, '2.0.0');
  expect(recoverReleases(here.server.paths)).toEqual([expect.stringContaining('given up before it was current')]);
  expect(stateOf(here)).toEqual({ ...ran, unproven: undefined, linked: '2.0.0', there: ['2.0.0'] });
});

it.each(['3.0.0', '2.0.0'])('completes the taking back of a release, cut while %s was current', (linked) => {
  const here = server({ ...ran, unproven: { ...unproven, given_up: 'it broke' } }, linked);
  expect(recoverReleases(here.server.paths)).toEqual([expect.stringContaining('completed; 2.0.0 is current')]);
  const failed = [expect.objectContaining({ tree: unproven.tree, version: '3.0.0', failures: 1, error: 'it broke' })];
  expect(stateOf(here)).toEqual({ ...ran, failed, unproven: undefined, linked: '2.0.0', there: ['2.0.0'] });
});

it('takes a release back that began its last try, for the installed program when there is no other', () => {
  const here = server({ proven: null, previous: null, unproven: { ...unproven, tries: 3 } }, '3.0.0');
  expect(recoverReleases(here.server.paths)).toEqual([
    'orchestrator 3.0.0 did not finish a cycle in 3 tries; the installed program is current again',
  ]);
  expect(stateOf(here)).toMatchObject({ proven: null, linked: undefined, there: [] });
  expect(recoverReleases(here.server.paths)).toEqual([]);
});

it('counts a failure once, however often its taking back is begun', () => {
  const here = server({ ...ran, unproven }, '3.0.0');
  giveUpUnproven(here.server.paths, 'it broke');
  giveUpUnproven(here.server.paths, 'it broke');
  expect(readOrchestratorRecord(here.server.paths.orchestratorRecord).failed?.map(({ failures }) => failures)).toEqual([
    1,
  ]);
});

it('goes back to the installed program for whoever removes the link', () => {
  const here = server(ran, null);
  expect(recoverReleases(here.server.paths)).toEqual([]);
  expect(stateOf(here)).toMatchObject({ proven: null, linked: undefined, there: [] });
});

it.each<[string, string]>([
  ['missing', ''],
  ['damaged', '{"format'],
])('lets the current release prove itself again when its record is %s', (_, text) => {
  const here = server(undefined, '3.0.0');
  if (text !== '') fs.writeFileSync(here.server.paths.orchestratorRecord, text);
  expect(releasesToStart(here.server.paths, '1.0.0')).toEqual([]);
  recoverReleases(here.server.paths);
  const { proven, unproven: one } = readOrchestratorRecord(here.server.paths.orchestratorRecord);
  expect({ proven, version: one?.version, tries: one?.tries }).toEqual({ proven: null, version: '3.0.0', tries: 0 });
});

it('keeps what was proven before, and removes every other release and what was half made', () => {
  const here = server({ proven: '3.0.0', previous: '2.0.0' }, '3.0.0');
  const releases = path.join(here.server.paths.orchestrator, 'releases');
  makeTree(releases, { '1.5.0': {}, '.homeserver-updates-0123456789abcdef.tmp': { 'index.mjs': '' } });
  recoverReleases(here.server.paths);
  expect(fs.readdirSync(releases).sort()).toEqual(['2.0.0', '3.0.0']);
});
