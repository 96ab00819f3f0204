import { expect, it } from 'vitest';
import { detectUpdates, type Detection, type DetectionInput } from '../../src/detect/detect-updates.ts';
import type { ModuleIndex } from '../../src/module-index.ts';
import type { InstalledModule } from '../../src/store/installed-modules.ts';
import { storeEntryName } from '../../src/store/store-entry.ts';

const tree = 'a'.repeat(40);
const otherTree = 'b'.repeat(40);
const now = 1_800_000_000;
const hour = 3600;

const index = (schemaVersion: string): ModuleIndex => ({
  schemaVersion,
  description: '',
  enabled: true,
  priority: 50,
  dependencies: [],
  timeoutSeconds: 1800,
  configuration: {},
  unknownKeys: [],
});

function here(version: string, treeId = tree): InstalledModule {
  const entry = storeEntryName('web', version, treeId);
  const directory = `/store/${entry}`;
  return { name: 'web', entry, directory, version, index: { ok: true, index: index(version) }, hasEntry: true };
}

/** What is found when the repository has `web` in the given version, or not at all. */
function detect(
  inRepository: string | undefined,
  installed: InstalledModule | undefined,
  rest: Partial<DetectionInput> = {},
): Detection {
  const offered = inRepository === undefined ? undefined : { name: 'web', treeId: tree, index: index(inRepository) };
  return detectUpdates({
    repository: { modules: new Map(offered ? [['web', offered]] : []), problems: [] },
    installed: new Map(installed ? [['web', installed]] : []),
    records: {},
    retry: false,
    allowDowngrade: [],
    maxMajorJump: 10,
    now,
    ...rest,
  });
}

it('a module that is not here is to be installed', () => {
  expect(detect('1.0.0', undefined)).toEqual({
    updates: [
      {
        name: 'web',
        fromVersion: undefined,
        toVersion: '1.0.0',
        treeId: tree,
        entry: 'web@1.0.0-aaaaaaaaaaaa',
        unknownKeys: [],
      },
    ],
    notices: [],
    current: [],
  });
});

it.each([
  ['1.0.0', '1.0.1'],
  ['1.0.9', '1.0.10'],
  ['1.9.0', '1.10.0'],
  ['9.0.0', '10.0.0'],
  ['1.0.0-rc.1', '1.0.0'],
  ['1.0.0-rc.2', '1.0.0-rc.10'],
  ['1.0.0-alpha', '1.0.0-beta'],
  ['0.9.0', '1.0.0-rc.1'],
])('%s here is replaced by %s', (local, remote) => {
  const { updates, notices } = detect(remote, here(local));
  expect([updates[0]?.fromVersion, updates[0]?.toVersion, notices]).toEqual([local, remote, []]);
});

it.each([
  ['1.0.1', '1.0.0'],
  ['1.10.0', '1.9.0'],
  ['1.0.0', '1.0.0-rc.1'],
])('%s here is not replaced by %s, and that is reported', (local, remote) => {
  const { updates, notices, current } = detect(remote, here(local));
  expect([updates, current]).toEqual([[], []]);
  expect(notices).toEqual([
    {
      name: 'web',
      kind: 'older',
      text: `web is ${local} here, and only ${remote} in the repository; it is kept (--allow-downgrade web)`,
    },
  ]);
});

it('the same version with the same content is current', () => {
  expect(detect('1.0.0', here('1.0.0'))).toEqual({ updates: [], notices: [], current: ['web'] });
});

it('versions that differ in build metadata alone are the same', () => {
  expect(detect('1.0.0+b', here('1.0.0+a')).current).toEqual(['web']);
});

it('the same version with other content is not replaced, and that is reported', () => {
  const { updates, notices } = detect('1.0.0', here('1.0.0', otherTree));
  expect(updates).toEqual([]);
  expect(notices[0]).toMatchObject({
    kind: 'same-version',
    text: expect.stringMatching(/^web 1\.0\.0 has other content/),
  });
});

it('a module that left the repository is reported, and nothing is done to it', () => {
  const { updates, notices } = detect(undefined, here('1.0.0'));
  expect(updates).toEqual([]);
  expect(notices).toEqual([
    { name: 'web', kind: 'orphaned', text: 'web is not in the repository any more; it is kept and still run' },
  ]);
});

it('a module that the repository has broken is a problem, not an orphan', () => {
  const problems = [{ name: 'web', problem: 'modules/web/index.json: is empty' }];
  const { updates, notices } = detect(undefined, here('1.0.0'), { repository: { modules: new Map(), problems } });
  expect([updates, notices]).toEqual([
    [],
    [{ name: 'web', kind: 'problem', text: 'modules/web/index.json: is empty' }],
  ]);
});

it('a plain directory whose index cannot be read is never taken for an old version', () => {
  const problem = '/modules/web/index.json: is empty';
  const unreadable: InstalledModule = {
    name: 'web',
    entry: undefined,
    directory: '/modules/web',
    version: undefined,
    index: { ok: false, problem },
    hasEntry: true,
  };
  expect(detect('9.0.0', unreadable)).toEqual({
    updates: [],
    notices: [{ name: 'web', kind: 'problem', text: problem }],
    current: [],
  });
});

it('an unreadable index or no entry behind a link is damage: the same version is installed again, if the repository still has it', () => {
  const damage = '/store/web@1.0.0-aaaaaaaaaaaa/index.json: is empty';
  const damaged = (treeId: string): InstalledModule => ({
    ...here('1.0.0', treeId),
    index: { ok: false, problem: damage },
  });
  expect(detect('1.0.0', damaged(tree)).updates).toEqual([
    expect.objectContaining({ fromVersion: '1.0.0', toVersion: '1.0.0', entry: 'web@1.0.0-aaaaaaaaaaaa', damage }),
  ]);
  expect(detect('1.0.0', damaged(otherTree)).updates).toEqual([]);
  const withoutEntry = { ...here('1.0.0'), hasEntry: false };
  expect(detect('1.0.0', withoutEntry).updates).toMatchObject([
    { toVersion: '1.0.0', damage: '/store/web@1.0.0-aaaaaaaaaaaa has no entry' },
  ]);
  const [newer] = detect('1.1.0', damaged(tree)).updates;
  expect([newer?.toVersion, newer?.damage]).toEqual(['1.1.0', undefined]);
});

it("somebody's own link is not replaced", () => {
  const own: InstalledModule = { ...here('1.0.0'), entry: undefined, elsewhere: '/opt/web' };
  const { updates, notices } = detect('2.0.0', own);
  expect(updates).toEqual([]);
  expect(notices[0]).toMatchObject({
    kind: 'withheld',
    text: expect.stringMatching(/own link to \/opt\/web; it is kept$/),
  });
});

const failedBefore = (failures: number, ago: number, failedTree = tree) => ({
  records: {
    web: {
      failed: [
        { tree: failedTree.slice(0, 12), version: '2.0.0', failures, last_failure: now - ago, error: 'it is broken' },
      ],
    },
  },
});

it.each([
  [1, 1 * hour],
  [2, 6 * hour],
  [3, 24 * hour],
])('a version that failed %i time(s) is withheld for %i seconds, and then tried again', (failures, wait) => {
  const early = detect('2.0.0', here('1.0.0'), failedBefore(failures, wait - 1));
  expect(early.updates).toEqual([]);
  expect(early.notices[0]).toMatchObject({
    kind: 'withheld',
    text: expect.stringMatching(
      /^web 2\.0\.0 failed here \(it is broken\); next try after 20\d\d-.*, or now with --retry$/,
    ),
  });
  expect(detect('2.0.0', here('1.0.0'), failedBefore(failures, wait)).updates).toHaveLength(1);
});

it('a version that failed a fourth time is in quarantine for good', () => {
  const { updates, notices } = detect('2.0.0', here('1.0.0'), failedBefore(4, 365 * 24 * hour));
  expect(updates).toEqual([]);
  expect(notices[0]?.text).toMatch(/it is not tried again before another version comes/);
});

it('another content ends the waiting, even under the same version', () => {
  expect(detect('2.0.0', here('1.0.0'), failedBefore(4, 0, otherTree)).updates).toHaveLength(1);
});

it('--retry ends it too', () => {
  expect(detect('2.0.0', here('1.0.0'), { ...failedBefore(4, 0), retry: true }).updates).toHaveLength(1);
});

it('a failure from the future, after the clock was set back, does not hold a version back', () => {
  expect(detect('2.0.0', here('1.0.0'), failedBefore(1, -1)).updates).toHaveLength(1);
});

it('says nothing of what failed when it is not going to be installed anyway', () => {
  expect(detect('2.0.0', here('2.0.0'), failedBefore(4, 0)).notices).toEqual([]);
});

it('a lower version is taken when the owner says so', () => {
  expect(detect('1.0.0', here('2.0.0'), { allowDowngrade: ['web'] }).updates).toMatchObject([
    { name: 'web', fromVersion: '2.0.0', toVersion: '1.0.0' },
  ]);
});

it('a version that goes up too many major versions at once is refused, by name; as many as are allowed are fine', () => {
  const { updates, notices } = detect('999.0.0', here('1.4.0', otherTree));
  expect(updates).toEqual([]);
  expect(notices).toEqual([
    { name: 'web', kind: 'refused', text: expect.stringMatching(/^web 999\.0\.0 is refused: 1\.4\.0 is here, .*998/) },
  ]);
  expect(detect('11.0.0', here('1.4.0', otherTree)).updates).toHaveLength(1);
  expect(detect('999.0.0', here('1.4.0', otherTree), { maxMajorJump: 1000 }).updates).toHaveLength(1);
});

it('a held version stays, whatever is offered, until it is released', () => {
  const held = here('1.0.0', otherTree);
  const hold = { version: '1.0.0', entry: held.entry ?? null, since: now };
  const { updates, notices } = detect('1.1.0', held, { records: { web: { hold } }, retry: true });
  expect([updates, notices]).toEqual([
    [],
    [{ name: 'web', kind: 'held', text: 'web is held at 1.0.0; 1.1.0 waits for: updater unhold web' }],
  ]);
  // The hold of another version than is installed means nothing.
  const other = { ...hold, entry: 'web@0.9.0-cccccccccccc' };
  expect(detect('1.1.0', held, { records: { web: { hold: other } } }).updates).toHaveLength(1);
});
