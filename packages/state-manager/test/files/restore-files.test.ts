import fs from 'node:fs';
import path from 'node:path';
import { makeFifo, setTimes, temporaryName } from '@homeserver/system';
import { describeTree, file, hardlink, link } from '@homeserver/test-support';
import { describe, expect, it, onTestFinished } from 'vitest';
import { captureBackup, isRoot, otherFileSystem, scene, type Scene } from '../scene.ts';

const coded = (code: string, message: RegExp | string): unknown =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string });

function nested(): Scene {
  return scene({ conf: { 'a.conf': 'one', 'b.conf': file('two', 0o640), 'c.conf': link('a.conf') }, data: {} });
}

describe('a restore', () => {
  it('leaves a tree alone that is as recorded', async () => {
    const here = nested();
    const before = describeTree(here.live);
    const backup = captureBackup(here, { paths: [here.live, here.at('absent')] });
    expect(await backup.restore()).toEqual({ restored: [], adjusted: [], unchanged: 6, displaced: [], warnings: [] });
    expect(describeTree(here.live)).toEqual(before);
    expect(fs.existsSync(`${backup.directory}/displaced`)).toBe(false);
  });

  it('says what it put back, what it only adjusted, and what it left alone', async () => {
    const here = nested();
    const backup = captureBackup(here, { paths: [here.at('conf'), here.at('data')] });
    here.write('conf/a.conf', 'changed');
    fs.chmodSync(here.at('conf/b.conf'), 0o600);
    expect(await backup.restore()).toMatchObject({
      restored: [here.at('conf/a.conf')],
      adjusted: [here.at('conf/b.conf')],
      unchanged: 3,
      displaced: [
        { from: here.at('conf/a.conf'), to: expect.stringMatching(/\/displaced\/\d{8}T\d{9}Z\/.*a\.conf$/) as string },
      ],
    });
  });

  it('removes what was recorded absent, and the directories made for it, and keeps all of it', async () => {
    const here = scene();
    const backup = captureBackup(here, { paths: [here.at('opt/new/app')] });
    fs.mkdirSync(here.at('opt/new/app/logs'), { recursive: true });
    here.write('opt/new/app/logs/today', 'only here');
    const report = await backup.restore();
    expect(fs.readdirSync(here.live)).toEqual([]);
    expect(fs.readFileSync(`${report.displaced[0]?.to}/logs/today`, 'utf8')).toBe('only here');
  });

  it('leaves a directory that was absent when something else is in it by now, and says so', async () => {
    const here = scene();
    const backup = captureBackup(here, { paths: [here.at('opt/app')] });
    fs.mkdirSync(here.at('opt'));
    here.write('opt/app', 'x');
    here.write('opt/other', 'y');
    expect((await backup.restore()).warnings).toEqual([
      expect.stringMatching(`^${here.at('opt')} did not exist .* it stays`),
    ]);
    expect(fs.readdirSync(here.at('opt'))).toEqual(['other']);
  });

  it('makes vanished parents again, with their mode', async () => {
    const here = scene({ a: { b: { f: 'x' } } });
    fs.chmodSync(here.at('a/b'), 0o750);
    const backup = captureBackup(here, { paths: [here.at('a/b/f')] });
    fs.rmSync(here.at('a'), { recursive: true });
    expect((await backup.restore()).restored).toEqual([here.at('a'), here.at('a/b'), here.at('a/b/f')]);
    expect(fs.statSync(here.at('a/b')).mode & 0o7777).toBe(0o750);
  });

  it('puts a tree back into directories that are closed for writing', async () => {
    const here = scene({ closed: { inner: { f: 'x' }, g: 'y' } });
    for (const name of ['closed/inner', 'closed']) fs.chmodSync(here.at(name), 0o555);
    onTestFinished(() => {
      for (const name of ['closed', 'closed/inner']) fs.chmodSync(here.at(name), 0o755);
    });
    const before = describeTree(here.at('closed'));
    const backup = captureBackup(here, { paths: [here.at('closed')] });
    for (const name of ['closed', 'closed/inner']) fs.chmodSync(here.at(name), 0o755);
    fs.rmSync(here.at('closed/inner'), { recursive: true });
    here.write('closed/g', 'z');
    await backup.restore();
    expect(describeTree(here.at('closed'))).toEqual(before);
  });

  it('gives everything its owner back, setuid included', async () => {
    const here = scene({ tool: file('x', 0o6755), own: 'y' });
    const [uid, gid] = isRoot ? [1234, 5678] : [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
    fs.chownSync(here.at('tool'), uid, gid);
    fs.chmodSync(here.at('tool'), 0o6755);
    const before = describeTree(here.live);
    const backup = captureBackup(here, { paths: [here.live] });
    fs.rmSync(here.at('tool'));
    fs.chownSync(here.at('own'), isRoot ? 1 : uid, isRoot ? 1 : gid);
    await backup.restore();
    expect(describeTree(here.live)).toEqual(before);
  });

  it('clears away what a restore that was cut left behind, also beside the captured path', async () => {
    const here = nested();
    const backup = captureBackup(here, { paths: [here.at('conf')] });
    for (const place of ['conf', '.']) here.write(`${place}/${temporaryName()}`, 'half');
    const report = await backup.restore();
    expect(fs.readdirSync(here.live).sort()).toEqual(['conf', 'data']);
    expect(fs.readdirSync(here.at('conf')).sort()).toEqual(['a.conf', 'b.conf', 'c.conf']);
    expect(report.displaced).toEqual([]);
  });
});

describe('what is in the way is displaced, never destroyed', () => {
  it.each<[string, (here: Scene) => void]>([
    ['a changed file', (here) => here.write('conf/a.conf', 'precious')],
    ['a file that appeared', (here) => here.write('conf/new', 'precious')],
    [
      'a file in a directory that appeared',
      (here) => (fs.mkdirSync(here.at('conf/d')), here.write('conf/d/x', 'precious')),
    ],
    ['a file where a directory was', (here) => (fs.rmdirSync(here.at('data')), here.write('data', 'precious'))],
    ['a file where a link was', (here) => (fs.rmSync(here.at('conf/c.conf')), here.write('conf/c.conf', 'precious'))],
    [
      'a directory where a file was',
      (here) => (
        fs.rmSync(here.at('conf/a.conf')),
        fs.mkdirSync(here.at('conf/a.conf')),
        here.write('conf/a.conf/x', 'precious')
      ),
    ],
  ])('%s, also when the backup is on another file system', async (_, damage) => {
    for (const parent of [undefined, otherFileSystem()]) {
      const here = nested();
      const before = describeTree(here.live);
      const backup = captureBackup(here, { paths: [here.live] }, parent);
      damage(here);
      const { displaced } = await backup.restore();
      expect(describeTree(here.live)).toEqual(before);
      const kept = displaced.flatMap(({ to }) =>
        fs
          .readdirSync(path.dirname(to), { recursive: true, encoding: 'utf8' })
          .map((name) => path.join(path.dirname(to), name)),
      );
      const contents = kept.filter((at) => fs.statSync(at).isFile()).map((at) => fs.readFileSync(at, 'utf8'));
      expect(contents).toEqual(['precious']);
    }
  });

  it('keeps its owner, mode and time there, and nobody else can get there', async () => {
    for (const parent of [undefined, otherFileSystem()]) {
      const here = nested();
      const backup = captureBackup(here, { paths: [here.live] }, parent);
      fs.writeFileSync(here.at('conf/new'), 'x', { mode: 0o606 });
      setTimes(here.at('conf/new'), 1n, 1_234_567_891_234_567_891n);
      const [before] = describeTree(here.at('conf/new'));
      const [displaced] = (await backup.restore()).displaced;
      expect(describeTree(displaced?.to ?? '')).toEqual([before]);
      expect(fs.statSync(`${backup.directory}/displaced`).mode & 0o777).toBe(0o700);
    }
  });

  it('goes to a place of its own in each restore', async () => {
    const here = nested();
    const backup = captureBackup(here, { paths: [here.live] });
    for (const text of ['first', 'second', 'third']) {
      here.write('conf/a.conf', text);
      await backup.restore();
    }
    const places = fs.readdirSync(`${backup.directory}/displaced`).sort();
    expect(
      places
        .map((place) =>
          fs.readFileSync(path.join(backup.directory, 'displaced', place, here.at('conf/a.conf')), 'utf8'),
        )
        .sort(),
    ).toEqual(['first', 'second', 'third']);
  });
});

async function expectUntouched(here: Scene, backup: ReturnType<typeof captureBackup>, error: unknown): Promise<void> {
  const before = describeTree(here.live);
  await expect(backup.restore()).rejects.toThrow(error as Error);
  expect(describeTree(here.live)).toEqual(before);
  expect(fs.existsSync(`${backup.directory}/displaced`)).toBe(false);
}

describe('a restore that would not be right does not begin', () => {
  it('when a copy that it needs is damaged', async () => {
    const here = nested();
    const backup = captureBackup(here, { paths: [here.live] });
    here.write('conf/a.conf', 'changed');
    here.write('conf/b.conf', 'changed too');
    const copy = path.join(backup.directory, 'files', here.at('conf/b.conf'));
    fs.writeFileSync(copy, 'twO');
    await expectUntouched(here, backup, coded('damaged', `damaged: ${copy} does not match its SHA-256$`));
  });

  it('but damage to a copy that it does not need is no hindrance', async () => {
    const here = nested();
    const backup = captureBackup(here, { paths: [here.live] });
    here.write('conf/a.conf', 'changed');
    fs.rmSync(path.join(backup.directory, 'files', here.at('conf/b.conf')));
    await backup.restore();
    expect(here.read('conf/a.conf')).toBe('one');
  });

  it('when a directory above the captured path is a link by now', async () => {
    const here = scene({ www: { site: { f: 'x' } }, etc: { site: { f: 'y' } } });
    const backup = captureBackup(here, { paths: [here.at('www/site')] });
    fs.renameSync(here.at('www'), here.at('www.old'));
    fs.symlinkSync('etc', here.at('www'));
    await expectUntouched(
      here,
      backup,
      coded('cannot-restore', `^cannot restore: ${here.at('www')} was a directory, and is none now$`),
    );
  });
});

describe('links cannot lead a restore elsewhere', () => {
  it('a directory swapped for a link is replaced; what the link points to stays as it is', async () => {
    const here = scene({ www: { site: { f: 'x' } }, etc: { f: 'secret', keep: 'y' } });
    const backup = captureBackup(here, { paths: [here.at('www')] });
    fs.rmSync(here.at('www/site'), { recursive: true });
    fs.symlinkSync(here.at('etc'), here.at('www/site'));
    const outside = describeTree(here.at('etc'));
    await backup.restore();
    expect(describeTree(here.at('etc'))).toEqual(outside);
    expect(here.read('www/site/f')).toBe('x');
  });

  it('a file swapped for a hardlink of another file does not pass its mode and owner on to that', async () => {
    const here = scene({ www: { f: file('same', 0o666) }, etc: { shadow: file('same', 0o600) } });
    const backup = captureBackup(here, { paths: [here.at('www')] });
    fs.rmSync(here.at('www/f'));
    fs.linkSync(here.at('etc/shadow'), here.at('www/f'));
    await backup.restore();
    expect(fs.statSync(here.at('etc/shadow')).mode & 0o777).toBe(0o600);
    expect(fs.statSync(here.at('www/f')).mode & 0o777).toBe(0o666);
  });

  it('an absent directory that became a link goes; what is behind the link stays', async () => {
    const here = scene({ releases: { config: 'precious' } });
    const backup = captureBackup(here, { paths: [here.at('current/config')] });
    fs.symlinkSync('releases', here.at('current'));
    await backup.restore();
    expect(fs.readdirSync(here.live)).toEqual(['releases']);
    expect(here.read('releases/config')).toBe('precious');
  });
});

describe('hardlinks', () => {
  it('of symlinks and FIFOs come back as hardlinks, also in part, and are left alone where they are right', async () => {
    const here = scene({ d: {} });
    fs.symlinkSync('target', here.at('link'));
    makeFifo(here.at('fifo'), 0o640);
    for (const name of ['link', 'fifo']) fs.linkSync(here.at(name), here.at(`d/${name}`));
    const backup = captureBackup(here, { paths: [here.live] });
    const before = describeTree(here.live);
    const areOne = (name: string): boolean =>
      fs.lstatSync(here.at(name)).ino === fs.lstatSync(here.at(`d/${name}`)).ino;
    expect(await backup.restore()).toMatchObject({ restored: [], adjusted: [], displaced: [] });
    fs.rmSync(here.at('d'), { recursive: true });
    await backup.restore();
    expect(describeTree(here.live)).toEqual(before);
    expect([areOne('link'), areOne('fifo')]).toEqual([true, true]);
    for (const name of ['link', 'fifo']) {
      fs.rmSync(here.at(name));
      if (name === 'fifo') makeFifo(here.at(name), 0o640);
      else fs.symlinkSync('target', here.at(name));
    }
    await backup.restore();
    expect([areOne('link'), areOne('fifo')]).toEqual([true, true]);
    expect(describeTree(here.live)).toEqual(before);
  });

  it('come back as hardlinks', async () => {
    const here = scene({ a: 'x', d: { b: hardlink('a') } });
    const before = describeTree(here.live);
    const backup = captureBackup(here, { paths: [here.live] });
    fs.rmSync(here.at('a'));
    here.write('d/b', 'edited');
    await backup.restore();
    expect(describeTree(here.live)).toEqual(before);
    expect(fs.statSync(here.at('a')).ino).toBe(fs.statSync(here.at('d/b')).ino);
  });

  it('made meanwhile end: what is displaced shares nothing with what is live', async () => {
    const here = scene({ f: 'x' });
    const backup = captureBackup(here, { paths: [here.live] });
    fs.linkSync(here.at('f'), here.at('g'));
    const { displaced } = await backup.restore();
    here.write('f', 'edited in place');
    expect(displaced.map(({ to }) => fs.readFileSync(to, 'utf8'))).toEqual(['x', 'x']);
  });
});
