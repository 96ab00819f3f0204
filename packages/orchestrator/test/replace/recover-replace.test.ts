import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeTree, makeTree } from '@homeserver/test-support';
import { readModuleRecords } from '../../src/records/module-records.ts';
import { recoverReplace } from '../../src/replace/recover-replace.ts';
import { writeReplaceIntent, type ReplaceIntent, type Switch } from '../../src/replace/replace-intent.ts';
import { writeGlobalIndex } from '../../src/report/global-index.ts';
import {
  entriesInStore,
  globalIndex,
  home,
  install,
  links,
  markUnproven,
  module,
  pointAt,
  refusal,
  store,
  treeOf,
  unprovenOf,
  type Home,
} from '../support.ts';

const entry = (name: string, version: string): string => `${name}@${version}-${treeOf(`${name}@${version}`)}`;
const web = { old: entry('web', '0.9.0'), now: entry('web', '1.0.0'), next: entry('web', '2.0.0') };
const leftover = '.homeserver-updates-0123456789abcdef.tmp';

const updateOfWeb: Switch = {
  name: 'web',
  from: web.now,
  to: web.next,
  backup_before: web.old,
  backup_after: web.now,
  take_over: false,
};

function writeIntent(here: Home, switches: Switch[], rest: Partial<ReplaceIntent> = {}): void {
  fs.mkdirSync(here.server.paths.stateDir, { recursive: true });
  writeReplaceIntent(here.server.paths.replaceIntent, {
    format: 1,
    id: '0'.repeat(12),
    kind: 'update',
    switches,
    ...rest,
  });
}

/** A server with web 1.0.0 and its backup 0.9.0, of which an update to 2.0.0 has just been noted. */
function cutUpdate(): Home {
  const here = home();
  install(here, 'web', '1.0.0');
  pointAt(here, 'web.backup', store(here, 'web', '0.9.0'));
  writeGlobalIndex(here.server.paths);
  writeIntent(here, [updateOfWeb]);
  return here;
}

/** Recovers, looks, and recovers again, which must find nothing and change nothing. */
function recover(here: Home): string[] {
  const found = recoverReplace(here.server.paths).map(({ name, outcome }) => `${name} ${outcome}`);
  const after = describeTree(here.root);
  expect(recoverReplace(here.server.paths)).toEqual([]);
  expect(describeTree(here.root)).toEqual(after);
  expect(fs.existsSync(here.server.paths.replaceIntent)).toBe(false);
  return found;
}

it('finds nothing on a server that was not interrupted', () => {
  expect(recoverReplace(home().server.paths)).toEqual([]);
});

// What a cut update had done by then.
const stage = (here: Home): void => void store(here, 'web', '2.0.0');
const note = (here: Home): void => markUnproven(here, 'web', { entry: web.next, previous: web.now });
const backup = (here: Home): void => pointAt(here, 'web.backup', web.now);
const index = (here: Home): void => writeGlobalIndex(here.server.paths);

describe('an update that was cut before its link moved is given up', () => {
  it.each<[string, ((here: Home) => void)[]]>([
    ['when only the intent was there', []],
    ['half staged', [(here) => makeTree(here.server.paths.store, { [leftover]: { 'index.json': '{' } })]],
    ['staged', [stage]],
    ['staged and noted as unproven', [stage, note]],
    [
      'with the backup moved before it, by a disk that does not keep the order',
      [stage, note, (here) => pointAt(here, 'web.backup', web.now)],
    ],
    [
      'with the new link made under its temporary name',
      [stage, note, (here) => fs.symlinkSync('x', here.at(leftover))],
    ],
  ])('%s', (_, steps) => {
    const here = cutUpdate();
    for (const step of steps) step(here);
    expect(recover(here)).toEqual(['web given up']);
    expect(links(here)).toEqual(['web 1.0.0', 'web.backup 0.9.0']);
    expect(entriesInStore(here)).toEqual(['web@0.9.0', 'web@1.0.0']);
    expect(unprovenOf(here, 'web')).toBeUndefined();
    expect(globalIndex(here).packages).toEqual({ web: '1.0.0' });
  });
});

describe('an update that was cut after its link moved is completed', () => {
  it.each<[string, ((here: Home) => void)[]]>([
    ['before the backup moved', []],
    ['before the index was written', [backup]],
    ['before the intent was removed', [backup, index]],
  ])('%s', (_, steps) => {
    const here = cutUpdate();
    store(here, 'web', '2.0.0');
    markUnproven(here, 'web', { entry: web.next, previous: web.now, previous_backup: web.old });
    pointAt(here, 'web', web.next);
    for (const step of steps) step(here);
    expect(recover(here)).toEqual(['web completed']);
    expect(links(here)).toEqual(['web 2.0.0', 'web.backup 1.0.0']);
    expect(entriesInStore(here)).toEqual(['web@0.9.0', 'web@1.0.0', 'web@2.0.0']);
    expect(unprovenOf(here, 'web')).toEqual({
      entry: web.next,
      previous: web.now,
      previous_backup: web.old,
      starts: 0,
    });
    expect(globalIndex(here).packages).toEqual({ web: '2.0.0' });
  });
});

describe('a first installation', () => {
  const first: Switch = { ...updateOfWeb, from: null, backup_before: null, backup_after: null };
  it.each([
    [false, 'given up', [], []],
    [true, 'completed', ['web 2.0.0'], ['web@2.0.0']],
  ])('whose link exists: %s, is %s', (isSwitched, outcome, linksAfter, storeAfter) => {
    const here = home();
    fs.mkdirSync(here.server.paths.modules, { recursive: true });
    store(here, 'web', '2.0.0');
    markUnproven(here, 'web', { entry: web.next });
    writeIntent(here, [first]);
    if (isSwitched) pointAt(here, 'web', web.next);
    expect(recover(here)).toEqual([`web ${outcome}`]);
    expect([links(here), entriesInStore(here)]).toEqual([linksAfter, storeAfter]);
    expect(globalIndex(here).packages).toEqual(isSwitched ? { web: '2.0.0' } : {});
    expect(unprovenOf(here, 'web')?.entry).toBe(isSwitched ? web.next : undefined);
  });
});

it('of a batch, each module ends where its own link says', () => {
  const here = cutUpdate();
  const mail: Switch = {
    ...updateOfWeb,
    name: 'mail',
    from: null,
    to: entry('mail', '1.0.0'),
    backup_before: null,
    backup_after: null,
  };
  writeIntent(here, [mail, updateOfWeb]);
  store(here, 'web', '2.0.0');
  install(here, 'mail', '1.0.0');
  expect(recover(here)).toEqual(['mail completed', 'web given up']);
  expect(links(here)).toEqual(['mail 1.0.0', 'web 1.0.0', 'web.backup 0.9.0']);
  expect(globalIndex(here).packages).toEqual({ mail: '1.0.0', web: '1.0.0' });
});

const plain = (here: Home): string => here.at('web');
const inStore = (here: Home, end = ''): string => path.join(here.server.paths.store, web.now + end);
const isTheOld = (directory: string): boolean => fs.readFileSync(`${directory}/index.json`, 'utf8').includes('1.0.0');

describe("the predecessor's plain directory, with its backup copy beside it", () => {
  const takeOver: Switch = { ...updateOfWeb, backup_before: null, take_over: true };
  const copy = { ...module('0.9.0'), 'kept.txt': 'from the predecessor' };

  /** Cut at the moment before the exchange. */
  function cutTakeOver(): Home {
    const here = home();
    makeTree(here.server.paths.modules, { web: module('1.0.0'), 'web.backup': copy });
    store(here, 'web', '2.0.0');
    fs.symlinkSync(`../store/${web.next}`, path.join(here.server.paths.store, web.now));
    writeIntent(here, [takeOver]);
    return here;
  }

  it('is still there when the exchange had not happened', () => {
    const here = cutTakeOver();
    expect(recover(here)).toEqual(['web given up']);
    expect(links(here)).toEqual(['web (no link)', 'web.backup (no link)']);
    expect(isTheOld(plain(here))).toBe(true);
    expect(entriesInStore(here)).toEqual([]);
    expect(globalIndex(here).packages).toEqual({ web: '1.0.0' });
  });

  it('is an entry of the store and the backup when it had happened', () => {
    const here = cutTakeOver();
    fs.rmSync(inStore(here));
    fs.renameSync(plain(here), inStore(here));
    pointAt(here, 'web', web.next);
    expect(recover(here)).toEqual(['web completed']);
    expect(links(here)).toEqual(['web 2.0.0', 'web.backup 1.0.0']);
    expect(isTheOld(here.at('web.backup'))).toBe(true);
  });

  it('comes back when it was cut between the two renames of a file system without exchange', () => {
    const here = cutTakeOver();
    fs.renameSync(plain(here), inStore(here, '.taken'));
    expect(recover(here)).toEqual(['web given up']);
    expect(links(here)).toEqual(['web (no link)', 'web.backup (no link)']);
    expect(isTheOld(plain(here))).toBe(true);
    expect(fs.readdirSync(here.server.paths.store)).toEqual([]);
  });

  it('gets its place in the store when it was cut right after them', () => {
    const here = cutTakeOver();
    fs.renameSync(plain(here), inStore(here, '.taken'));
    fs.renameSync(inStore(here), plain(here));
    expect(recover(here)).toEqual(['web completed']);
    expect(links(here)).toEqual(['web 2.0.0', 'web.backup 1.0.0']);
    expect(entriesInStore(here)).toEqual(['web@1.0.0', 'web@2.0.0']);
  });
});

describe('a rollback is completed wherever it was cut', () => {
  const failure = { tree: treeOf('web@2.0.0'), version: '2.0.0', last_failure: 1000, error: 'it is broken' };
  const rollback: Switch = {
    name: 'web',
    from: web.next,
    to: web.now,
    backup_before: web.now,
    backup_after: web.old,
    take_over: false,
  };
  const remembered = (here: Home): void => {
    const file = here.server.paths.moduleRecords;
    fs.writeFileSync(file, JSON.stringify({ format: 1, modules: { web: { failed: [{ ...failure, failures: 1 }] } } }));
  };
  const switched = (here: Home): void => pointAt(here, 'web', web.now);
  const backedUp = (here: Home): void => pointAt(here, 'web.backup', web.old);

  it.each<[string, ((here: Home) => void)[]]>([
    ['right after its intent', []],
    ['after the failure was remembered', [remembered]],
    ['after the link moved back', [remembered, switched]],
    ['after the backup moved back', [remembered, switched, backedUp]],
  ])('%s; the failure counts once', (_, steps) => {
    const here = home();
    install(here, 'web', '2.0.0');
    store(here, 'web', '0.9.0');
    pointAt(here, 'web.backup', store(here, 'web', '1.0.0'));
    markUnproven(here, 'web', { entry: web.next, previous: web.now, previous_backup: web.old, starts: 1 });
    writeIntent(here, [rollback], { kind: 'rollback', failure });
    for (const step of steps) step(here);
    expect(recover(here)).toEqual(['web completed']);
    expect(links(here)).toEqual(['web 1.0.0', 'web.backup 0.9.0']);
    expect(entriesInStore(here)).toEqual(['web@0.9.0', 'web@1.0.0']);
    expect(globalIndex(here).packages).toEqual({ web: '1.0.0' });
    expect(readModuleRecords(here.server.paths.moduleRecords)).toEqual({
      web: { failed: [{ ...failure, failures: 1 }] },
    });
  });

  it('of a first installation: the module is gone again', () => {
    const here = home();
    install(here, 'web', '2.0.0');
    markUnproven(here, 'web', { entry: web.next });
    const toNothing = { ...rollback, to: null, backup_before: null, backup_after: null };
    writeIntent(here, [toNothing], { kind: 'rollback', failure });
    expect(recover(here)).toEqual(['web completed']);
    expect([links(here), entriesInStore(here), globalIndex(here).packages]).toEqual([[], [], {}]);
  });
});

describe('what neither side explains is left alone, for a person', () => {
  it.each<[string, (here: Home) => void]>([
    ['a link to a third version', (here) => pointAt(here, 'web', store(here, 'web', '3.0.0'))],
    [
      'a link to somewhere else',
      (here) => {
        fs.rmSync(here.at('web'));
        fs.symlinkSync('/opt/web', here.at('web'));
      },
    ],
    ['no link at all', (here) => fs.rmSync(here.at('web'))],
    [
      'a directory where a link was',
      (here) => {
        fs.rmSync(here.at('web'));
        makeTree(here.server.paths.modules, { web: module('1.0.0') });
      },
    ],
  ])('%s', (_, change) => {
    const here = cutUpdate();
    const mail: Switch = { ...updateOfWeb, name: 'mail', from: null, backup_before: null, backup_after: null };
    writeIntent(here, [mail, updateOfWeb]);
    change(here);
    const before = describeTree(here.root);
    expect(() => recoverReplace(here.server.paths)).toThrow(refusal('rollback-failed', /web points at/));
    expect(describeTree(here.root)).toEqual(before);
  });

  it.each(['', '{', '{"format": 2}', '{"format": 1, "id": "x", "kind": "update", "switches": [{"name": "web"}]}'])(
    'an intent that reads %j',
    (text) => {
      const here = cutUpdate();
      fs.writeFileSync(here.server.paths.replaceIntent, text);
      const before = describeTree(here.root);
      expect(() => recoverReplace(here.server.paths)).toThrow(
        refusal('rollback-failed', /^cannot read .*replace\.json: /),
      );
      expect(describeTree(here.root)).toEqual(before);
    },
  );
});
