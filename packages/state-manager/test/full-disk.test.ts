import fs from 'node:fs';
import path from 'node:path';
import { describeTree } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { coded, expectNothingOpen } from './expectations.ts';
import { isRoot, scene, smallFileSystem, type Scene } from './scene.ts';

const KiB = 1024;
const text = (letter: string, kib: number): string => letter.repeat(kib * KiB);

/** Writes until nothing goes any more. */
function fill(directory: string): void {
  const fd = fs.openSync(path.join(directory, 'fill'), 'w');
  try {
    for (const size of [64 * KiB, 4 * KiB, 512, 1]) {
      const chunk = Buffer.alloc(size, '!');
      try {
        for (;;) fs.writeSync(fd, chunk);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENOSPC' });
      }
    }
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** A whole tree, its contents shortened so that a difference can be read. */
const facts = (at: string): string[] => describeTree(at).map((line) => `${line.slice(0, 90)} ${line.length}`);

const reserves = (directory: string): string[] =>
  fs
    .readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.reserve$|reserved\.json/.test(name));

if (!isRoot) process.stderr.write('LEFT OUT: restores on full disks: only root can make small file systems\n');
const types = ['tmpfs', 'ext4'] as const;

describe.skipIf(!isRoot).each(types)('a change that fills the disk (%s)', (type) => {
  it('is undone within the room that was held for that, and nothing is lost', async () => {
    const here = scene(
      { app: { a: text('a', 300), b: text('b', 300), c: text('c', 10), d: 'd' } },
      smallFileSystem(16, type),
    );
    const before = facts(here.at('app'));
    const state = here.stateManager();
    const change = async (): Promise<void> => {
      expect(reserves(here.root)).not.toEqual([]);
      for (const name of ['a', 'b', 'c']) fs.writeFileSync(here.at('app', name), text('x', 200));
      fs.rmSync(here.at('app/d'));
      fill(here.root);
      throw new Error('no room');
    };
    await expect(state.guard('app', { files: [here.at('app')] }, change)).rejects.toThrow('no room');
    expect(facts(here.at('app'))).toEqual(before);
    expect(displaced(here)).toEqual([text('x', 200), text('x', 200), text('x', 200)]);
    expect(reserves(here.root)).toEqual([]);
    fs.rmSync(path.join(here.root, 'fill'));
    expectNothingOpen(here);
  });

  it('is undone on its own file system when the backups are on another one', async () => {
    const here = scene({ app: { a: text('a', 300), b: text('b', 300) } }, smallFileSystem(16, type));
    const before = facts(here.at('app'));
    const backupDir = fs.mkdtempSync('/dev/shm/homeserver-test-');
    const state = here.stateManager({ backupDir });
    const change = async (): Promise<void> => {
      expect(reserves(here.root)).toHaveLength(1);
      for (const name of ['a', 'b']) fs.writeFileSync(here.at('app', name), text('x', 300));
      fill(here.root);
      throw new Error('no room');
    };
    await expect(state.guard('app', { files: [here.at('app')] }, change)).rejects.toThrow('no room');
    expect(facts(here.at('app'))).toEqual(before);
    expect(reserves(here.root)).toEqual([]);
    fs.rmSync(backupDir, { recursive: true });
  });

  it('that succeeds gives the room back', async () => {
    const here = scene({ app: 'old' }, smallFileSystem(16, type));
    const state = here.stateManager();
    await state.guard('app', { files: [here.at('app')] }, async () => here.write('app', 'new'));
    expect(reserves(here.root)).toEqual([]);
    expectNothingOpen(here);
  });
});

describe.skipIf(!isRoot)('before a change', () => {
  it('too little room for its rollback is an error with both numbers, and nothing is touched', async () => {
    const here = scene({ app: text('a', 3 * KiB) }, smallFileSystem(8));
    const state = here.stateManager();
    const change = async (): Promise<void> => here.write('app', 'new');
    await expect(state.guard('app', { files: [here.at('app')] }, change)).rejects.toThrow(
      coded(
        'no-space',
        /^cannot reserve room for a rollback on the file system of .*: 3\.3 MiB are needed, [12]\.\d MiB are free$/,
      ),
    );
    expect(here.read('app')).toBe(text('a', 3 * KiB));
    expect(reserves(here.root)).toEqual([]);
    expectNothingOpen(here);
  });

  it('at most half of what is free is held, if the largest entry fits into that', async () => {
    const files = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`f${i}`, text('x', 256)]));
    const here = scene({ app: files }, smallFileSystem(10));
    const state = here.stateManager();
    await state.guard('app', { files: [here.at('app')] }, async () => {
      const held = reserves(here.root).reduce((sum, name) => sum + fs.statSync(path.join(here.root, name)).size, 0);
      expect(held).toBeGreaterThan(1.5 * KiB * KiB);
      expect(held).toBeLessThan(2.1 * KiB * KiB);
    });
  });
});

describe.skipIf(!isRoot)('on a full disk with nothing held', () => {
  it('a restore puts back what it can, names the rest, and completes when there is room', async () => {
    const here = scene({ app: { big: text('a', 600), mode: 'm', gone: 'g' } }, smallFileSystem(8));
    const before = facts(here.at('app'));
    const state = here.stateManager();
    await state.backupModuleState('app', { files: [here.at('app')] });
    fs.rmSync(here.at('app/big'));
    fs.chmodSync(here.at('app/mode'), 0o600);
    fill(here.root);
    await expect(state.restoreModuleState('app')).rejects.toThrow(
      coded('no-space', new RegExp(`^cannot restore ${here.at('app/big')}: ENOSPC`)),
    );
    expect(fs.statSync(here.at('app/mode')).mode & 0o777).toBe(0o644);
    expect(here.said).toContainEqual(expect.stringMatching(`^error not restored: ${here.at('app/big')}: ENOSPC`));
    fs.rmSync(path.join(here.root, 'fill'));
    await state.restoreModuleState('app');
    expect(facts(here.at('app'))).toEqual(before);
    expectNothingOpen(here);
  });

  it('what is in the way is not given up: it stays where it is', async () => {
    const here = scene({ app: { big: text('a', 600) } }, smallFileSystem(8));
    const state = here.stateManager();
    await state.backupModuleState('app', { files: [here.at('app')] });
    here.write('app/big', text('x', 500));
    fill(here.root);
    await expect(state.restoreModuleState('app')).rejects.toThrow(coded('no-space', here.at('app/big')));
    expect(here.read('app/big')).toBe(text('x', 500));
    expect(fs.readdirSync(here.at('app'))).toEqual(['big']);
  });
});

/** The content of everything that a restore displaced. */
function displaced(here: Scene): string[] {
  const place = path.join(here.backupDir, 'app_backup/displaced');
  return fs
    .readdirSync(place, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(place, name))
    .filter((name) => fs.statSync(name).isFile())
    .map((name) => fs.readFileSync(name, 'utf8'));
}
