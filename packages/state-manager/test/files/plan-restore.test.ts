import fs from 'node:fs';
import { setTimes, temporaryName, toRawPath } from '@homeserver/system';
import { describeTree, hardlink, link } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { hasSettled } from '../../src/files/clock-granularity.ts';
import { planRestore } from '../../src/files/plan-restore.ts';
import { asRoot, captureBackup, scene, smallFileSystem } from '../scene.ts';

const steps = (backup: ReturnType<typeof captureBackup>, mounts: string[] = []): string[] =>
  planRestore(backup.captured, new Set(mounts.map(toRawPath))).steps.map(
    (step) => `${step.do} ${step.path.split('/').at(-1)}${'inTheWay' in step && step.inTheWay ? ' (in the way)' : ''}`,
  );

describe('a tree that is as recorded', () => {
  it('needs no step', () => {
    const here = scene({ a: { b: 'x', c: hardlink('a/b') }, d: link('a') });
    const backup = captureBackup(here, { paths: [here.live, here.at('../absent')] });
    expect(planRestore(backup.captured)).toEqual({
      steps: [],
      directories: expect.any(Array) as unknown,
      unchanged: 6,
      warnings: [],
    });
  });

  it('is not changed by planning', () => {
    const here = scene({ a: { b: 'x' } });
    const backup = captureBackup(here, { paths: [here.live] });
    here.write('a/new', '');
    const before = describeTree(here.live);
    planRestore(backup.captured);
    expect(describeTree(here.live)).toEqual(before);
  });
});

describe('what differs', () => {
  it.each<[string, (at: (name: string) => string) => void, string[]]>([
    ['is written when its content changed', (at) => fs.writeFileSync(at('f'), 'other'), ['write f (in the way)']],
    ['is written when it vanished', (at) => fs.rmSync(at('f')), ['write f']],
    ['is adjusted when only its mode changed', (at) => fs.chmodSync(at('f'), 0o600), ['adjust f']],
    ['is adjusted when only its time changed', (at) => setTimes(at('f'), 1n, 1n), ['adjust f']],
    ['is displaced when it appeared', (at) => fs.writeFileSync(at('new'), ''), ['displace new']],
    [
      'is removed when it is our own leftover',
      (at) => fs.writeFileSync(at(temporaryName()), ''),
      ['remove-temporary *'],
    ],
    [
      'is made when a link points elsewhere',
      (at) => (fs.rmSync(at('l')), fs.symlinkSync('g', at('l'))),
      ['make l (in the way)'],
    ],
    [
      'is made with all that is in it',
      (at) => fs.rmSync(at('d'), { recursive: true }),
      ['make-directory d', 'write inner'],
    ],
  ])('%s', (_, damage, expected) => {
    const here = scene({ f: 'text', d: { inner: 'x' }, l: link('f') });
    const backup = captureBackup(here, { paths: [here.live] });
    damage(here.at);
    const found = steps(backup).filter((step) => step !== 'adjust live');
    expect(found.map((step) => step.replace(/\.homeserver.*/, '*'))).toEqual(expected);
  });

  it('is found although size and time are the same', () => {
    const here = scene({ f: 'text' });
    const { mtimeNs } = fs.statSync(here.at('f'), { bigint: true });
    const backup = captureBackup(here, { paths: [here.at('f')] });
    here.write('f', 'TEXT');
    setTimes(here.at('f'), mtimeNs, mtimeNs);
    expect(steps(backup)).toEqual(['write f (in the way)']);
  });

  it('is found in an old file that came with another directory', async () => {
    const here = scene({ d: { f: 'text' }, e: { f: 'TEXT' } });
    await new Promise((resolve) => setTimeout(resolve, 150)); // Old enough for its times to be trusted.
    const backup = captureBackup(here, { paths: [here.at('d')] });
    fs.renameSync(here.at('d'), here.at('d.old'));
    fs.renameSync(here.at('e'), here.at('d'));
    expect(steps(backup)).toContain('write f (in the way)');
  });

  it('is found in a file that nobody seems to have touched, if the capture was within one tick of its change', () => {
    const here = scene({ f: 'text' });
    const backup = captureBackup(here, { paths: [here.at('f')] });
    here.write('f', 'TEXT');
    const { ino, ctimeNs, mtimeNs } = fs.statSync(here.at('f'), { bigint: true });
    const [entry] = backup.captured.entries;
    const sameStat = {
      ...entry,
      ino: String(ino),
      ctime_ns: String(ctimeNs),
      mtime_ns: String(mtimeNs),
    } as typeof entry;
    const captured = { ...backup.captured, entries: [sameStat].filter((one) => one !== undefined) };
    expect(planRestore(captured).steps).toMatchObject([{ do: 'write' }]);
  });

  it('is not looked for below a directory that was swapped for a link', () => {
    const here = scene({ d: { f: 'x' }, other: { f: 'x' } });
    const backup = captureBackup(here, { paths: [here.at('d')] });
    fs.renameSync(here.at('d'), here.at('moved'));
    fs.symlinkSync('other', here.at('d'));
    expect(steps(backup)).toEqual(['make-directory d (in the way)', 'write f']);
  });
});

const linked = (): ReturnType<typeof scene> => scene({ a: 'x', b: hardlink('a') });

describe('hardlinks', () => {
  it('are made again when they were broken', () => {
    const here = linked();
    const backup = captureBackup(here, { paths: [here.live] });
    fs.rmSync(here.at('b'));
    fs.copyFileSync(here.at('a'), here.at('b'));
    expect(steps(backup)).toContain('link b (in the way)');
    expect(steps(backup)).not.toContain('write a (in the way)');
  });

  it('are ended when they are new, be the other name inside or outside', () => {
    for (const other of ['live/new', 'outside']) {
      const here = scene({ f: 'x' });
      const backup = captureBackup(here, { paths: [here.live] });
      fs.linkSync(here.at('f'), `${here.root}/${other}`);
      expect(steps(backup)).toContain('write f (in the way)');
    }
  });

  it('to the outside stay when they were recorded', () => {
    const here = scene({ in: { f: 'x' }, out: { g: hardlink('in/f') } });
    const backup = captureBackup(here, { paths: [here.at('in')], allowOutsideHardlinks: true });
    expect(steps(backup)).toEqual([]);
    fs.linkSync(here.at('in/f'), here.at('out/h'));
    expect(steps(backup)).toEqual(['write f (in the way)']);
  });
});

describe('directories above that were absent', () => {
  it('go when they are no directories now: what is beyond them is none of ours', () => {
    const here = scene({ elsewhere: { file: 'precious' } });
    const backup = captureBackup(here, { paths: [here.at('app/current/file')] });
    fs.mkdirSync(here.at('app'));
    fs.symlinkSync('../elsewhere', here.at('app/current'));
    expect(steps(backup)).toEqual(['displace current']);
  });
});

const mounted = (): { here: ReturnType<typeof scene>; backup: ReturnType<typeof captureBackup> } => {
  const here = scene({ d: { f: 'x' }, g: 'y' });
  return { here, backup: captureBackup(here, { paths: [here.live] }) };
};

describe('mount points', () => {
  it('that are new are left alone with all that is in them, and reported', () => {
    const { here, backup } = mounted();
    fs.writeFileSync(here.at('d/f'), 'on the new disk');
    fs.writeFileSync(here.at('g'), 'changed');
    const plan = planRestore(backup.captured, new Set([toRawPath(here.at('d'))]));
    expect(plan.steps.map((step) => step.path)).toEqual([here.at('g')]);
    expect(plan.warnings).toEqual([expect.stringContaining(`${here.at('d')} was left alone`)]);
  });

  it('inside a directory that appeared keep it where it is', () => {
    const { here, backup } = mounted();
    fs.mkdirSync(here.at('new/disk'), { recursive: true });
    const plan = planRestore(backup.captured, new Set([toRawPath(here.at('new/disk'))]));
    expect(plan.steps.map((step) => step.do)).toEqual(['adjust']);
    expect(plan.warnings).toEqual([expect.stringContaining('something is mounted in it')]);
  });

  it('where a file must come back stop the restore before it begins', () => {
    const { here, backup } = mounted();
    fs.rmSync(here.at('g'));
    fs.mkdirSync(here.at('g/disk'), { recursive: true });
    expect(() => steps(backup, [here.at('g/disk')])).toThrow(
      expect.objectContaining({
        code: 'cannot-restore',
        message: `cannot restore ${here.at('g')}: something is mounted there`,
      }),
    );
  });

  it('that came or went at the captured path itself stop the restore before it begins', () => {
    const { here, backup } = mounted();
    expect(() => steps(backup, [here.live])).toThrow(/was no mount point at the time of the backup, and is one now/);
    const [first, ...rest] = backup.captured.entries;
    const onDisk = {
      ...backup.captured,
      entries: [{ ...first, mount_point: true } as typeof first, ...rest].filter((one) => one !== undefined),
    };
    expect(() => planRestore(onDisk, new Set())).toThrow(
      /was a mount point at the time of the backup, and is none now/,
    );
    expect(planRestore(onDisk, new Set([toRawPath(here.live)])).steps).toEqual([]);
  });
});

describe('a file that was changed right after its capture', () => {
  asRoot('is found where times are whole seconds, too', () => {
    for (const options of [[], ['-I', '128']]) {
      const here = scene({ f: 'old' }, smallFileSystem(8, 'ext4', options));
      const backup = captureBackup(here, { paths: [here.at('f')] });
      const { mtimeNs } = fs.statSync(here.at('f'), { bigint: true });
      fs.writeFileSync(here.at('f'), 'new', { flag: 'r+' });
      setTimes(here.at('f'), mtimeNs, mtimeNs);
      expect(steps(backup)).toEqual(['write f (in the way)']);
    }
  });
});

/** Before a capture that began 100 s after 1970. */
const settled = (ctimeSeconds: number, ctimeNanoseconds: number): boolean =>
  hasSettled({ ctimeSeconds, ctimeNanoseconds }, 100_000);

describe('hasSettled', () => {
  it('asks for a moment more between ctime and capture than one step of the clock', () => {
    expect([settled(99, 800_000_000), settled(99, 999_999_999), settled(100, 1)]).toEqual([true, false, false]);
    expect([98, 97].map((seconds) => settled(seconds, 0))).toEqual([false, true]); // Whole seconds: that clock is coarse.
  });
});
