import fs from 'node:fs';
import { describeTree, file, link } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import type { CapturedInode } from '../../src/files/file-record.ts';
import { applyMetadata } from '../../src/files/inode-metadata.ts';
import { isRoot, scene } from '../scene.ts';

const [uid, gid] = isRoot ? [1234, 5678] : [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
const wanted = (type: 'directory' | 'symlink' | 'fifo'): CapturedInode =>
  ({ type, path: '/x', target: 'x', mode: 0o4751, uid, gid, mtime_ns: '-1000000007' }) as CapturedInode;

describe('applyMetadata', () => {
  it('gives an entry its owner, mode and time', () => {
    const here = scene({ d: {} });
    applyMetadata(here.at('d'), wanted('directory'));
    const { mode, uid: owner, gid: group, mtimeNs } = fs.statSync(here.at('d'), { bigint: true });
    expect([mode & 0o7777n, owner, group, mtimeNs]).toEqual([0o4751n, BigInt(uid), BigInt(gid), -1_000_000_007n]);
  });

  it('gives a link its own, and leaves what it points to', () => {
    const here = scene({ f: file('x', 0o640), l: link('f') });
    const before = describeTree(here.at('f'));
    applyMetadata(here.at('l'), wanted('symlink'));
    expect(describeTree(here.at('f'))).toEqual(before);
    expect(fs.lstatSync(here.at('l'), { bigint: true })).toMatchObject({ uid: BigInt(uid), mtimeNs: -1_000_000_007n });
  });

  it('leaves alone what somebody put in its place: another type, or another inode', () => {
    const here = scene({ d: {}, l: link('d'), e: {} });
    const before = describeTree(here.live);
    expect(() => applyMetadata(here.at('l'), wanted('directory'))).toThrow('something else was put in its place');
    expect(() => applyMetadata(here.at('d'), wanted('fifo'))).toThrow('something else was put in its place');
    const { ino } = fs.statSync(here.at('e'), { bigint: true });
    expect(() => applyMetadata(here.at('d'), wanted('directory'), ino)).toThrow('something else was put in its place');
    expect(describeTree(here.live)).toEqual(before);
  });
});
