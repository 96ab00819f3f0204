import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { statEntry, type EntryStat } from '@homeserver/system';
import { describe, expect, it } from 'vitest';
import { copyContent, hashFile } from '../../src/files/copy-content.ts';
import { dataBytesOf, hasHoles } from '../../src/files/sparse-content.ts';
import { verifyFiles } from '../../src/files/verify-files.ts';
import { captureBackup, scene, type Scene } from '../scene.ts';

const TiB = 1024 ** 4;
const MiB = 1024 ** 2;

/** A file with data at these places and holes between. */
function makeSparse(here: Scene, name: string, size: number, data: [at: number, bytes: string][]): string {
  const fd = fs.openSync(here.at(name), 'w');
  for (const [at, bytes] of data) fs.writeSync(fd, bytes, at);
  fs.ftruncateSync(fd, size);
  fs.closeSync(fd);
  return here.at(name);
}

const occupied = (file: string): number => fs.statSync(file).blocks * 512;

function withOpen<T>(file: string, act: (fd: number) => T): T {
  const fd = fs.openSync(file, 'r');
  try {
    return act(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

const isSparse = (file: string): boolean => withOpen(file, (fd) => hasHoles(fd, statEntry(fd) as EntryStat));

describe('a file with holes', () => {
  it('of 4 TiB with 1 MiB of data is captured, verified and put back as that', async () => {
    const here = scene();
    const text = 'x'.repeat(MiB / 2);
    const disk = makeSparse(here, 'disk.img', 4 * TiB, [
      [2 * TiB, text],
      [3 * TiB + 5, text],
    ]);
    const backup = captureBackup(here, { paths: [disk] });
    expect(backup.captured.entries).toMatchObject([{ type: 'file', size: 4 * TiB, sparse: true }]);
    expect(occupied(`${backup.directory}/files${disk}`)).toBeLessThan(1.2 * MiB);
    expect(verifyFiles(backup.captured, backup.directory)).toEqual([]);
    const before = hashFile(disk, 'sparse');
    fs.rmSync(disk);
    await backup.restore();
    expect(hashFile(disk, 'sparse')).toEqual(before);
    expect(occupied(disk)).toBeLessThan(1.2 * MiB);
    expect(withOpen(disk, dataBytesOf)).toBeLessThan(1.2 * MiB);
  });

  it('is restored when a byte in a hole was written, or one byte of its data changed', async () => {
    const here = scene();
    const disk = makeSparse(here, 'disk.img', 64 * MiB, [[10 * MiB, 'data']]);
    const backup = captureBackup(here, { paths: [disk] });
    for (const at of [40 * MiB, 10 * MiB + 1, 0, 64 * MiB - 1]) {
      const fd = fs.openSync(disk, 'r+');
      fs.writeSync(fd, '!', at);
      fs.closeSync(fd);
      expect((await backup.restore()).restored).toEqual([disk]);
    }
    expect(hashFile(disk, 'sparse').sha256).toBe(
      (backup.captured.entries[0] as unknown as { sha256: string } | undefined)?.sha256,
    );
  });

  it('is found damaged when its copy is', () => {
    const here = scene();
    const disk = makeSparse(here, 'disk.img', 64 * MiB, [[10 * MiB, 'data']]);
    const backup = captureBackup(here, { paths: [disk] });
    const fd = fs.openSync(`${backup.directory}/files${disk}`, 'r+');
    fs.writeSync(fd, 'x', 20 * MiB);
    fs.closeSync(fd);
    expect(verifyFiles(backup.captured, backup.directory)).toEqual([
      expect.stringMatching(/does not match its SHA-256$/),
    ]);
  });

  it('that is nothing but a hole has a hash too, and its size is a part of it', () => {
    const here = scene();
    const [one, two] = [makeSparse(here, 'one', MiB, []), makeSparse(here, 'two', 2 * MiB, [])];
    expect([isSparse(one), isSparse(two)]).toEqual([true, true]);
    expect(hashFile(one, 'sparse').sha256).not.toBe(hashFile(two, 'sparse').sha256);
  });
});

describe('the hash of a file with holes', () => {
  it('depends on the content alone: blocks of zeros may be holes or not, and the file may end within a block', () => {
    const here = scene();
    const size = 300_001;
    const sparse = makeSparse(here, 'sparse', size, [
      [8192, 'a'],
      [size - 1, 'z'],
    ]);
    here.write('dense', '');
    fs.writeFileSync(here.at('dense'), fs.readFileSync(sparse));
    expect([isSparse(sparse), isSparse(here.at('dense'))]).toEqual([true, false]);
    expect(hashFile(here.at('dense'), 'sparse')).toEqual(hashFile(sparse, 'sparse'));
  });

  it('is SHA-256 over the blocks that are not zero, each after its offset, and the size', () => {
    const here = scene();
    const file = makeSparse(here, 'f', 100_000, [
      [4096, 'a'],
      [99_999, 'z'],
    ]);
    const content = fs.readFileSync(file);
    const expected = createHash('sha256')
      .update(Buffer.concat([number(4096), content.subarray(4096, 8192)]))
      .update(Buffer.concat([number(98_304), content.subarray(98_304)]))
      .update(number(100_000))
      .digest('hex');
    expect(hashFile(file, 'sparse').sha256).toBe(expected);
  });
});

it('an ordinary file is read and hashed as a whole', () => {
  const here = scene({ f: 'text', zeros: new Uint8Array(MiB) });
  expect([isSparse(here.at('f')), isSparse(here.at('zeros'))]).toEqual([false, false]);
  expect(withOpen(here.at('f'), (fd) => copyContent(fd))).toEqual({
    size: 4,
    sha256: createHash('sha256').update('text').digest('hex'),
    form: 'plain',
  });
});
