import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { statEntry, toRawPath, type EntryStat, type RawPath } from '@homeserver/system';
import { temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { CopyCrew, type CopyJob } from '../../src/files/copy-crew.ts';
import { asRoot, smallFileSystem } from '../scene.ts';

const MANY = 1500; // Enough for the second thread to be started, and to have something to do.

function jobsFor(directory: string, count: number): CopyJob[] {
  fs.mkdirSync(path.join(directory, 'from'));
  fs.mkdirSync(path.join(directory, 'to'));
  return Array.from({ length: count }, (_, at) => {
    const file = path.join(directory, 'from', `näme ${at}`);
    fs.writeFileSync(file, `content of ${at}`.repeat(at % 50), { mode: at % 2 === 0 ? 0o640 : 0o600 });
    return {
      path: toRawPath(file),
      to: toRawPath(path.join(directory, 'to', `${at}`)),
      stat: statEntry(file) as EntryStat,
    };
  });
}

function carryOut(jobs: readonly CopyJob[]): Map<RawPath, string | undefined> {
  const reported = new Map<RawPath, string | undefined>();
  const crew = new CopyCrew((job, sha256) => {
    expect(reported.has(job.path), 'reported once').toBe(false);
    reported.set(job.path, sha256);
  });
  try {
    for (const job of jobs) crew.add(job);
    crew.finish();
  } finally {
    crew.close();
  }
  return reported;
}

const sha256Of = (file: string): string => createHash('sha256').update(fs.readFileSync(file)).digest('hex');

describe('a crew', () => {
  it.each([1, 63, 64, MANY])('copies %d files, and tells what each of them was', (count) => {
    const directory = temporaryDirectory();
    const jobs = jobsFor(directory, count);
    const reported = carryOut(jobs);
    expect(reported.size).toBe(count);
    for (const [at, { path: from }] of jobs.entries()) {
      const copy = path.join(directory, 'to', `${at}`);
      expect(sha256Of(copy)).toBe(reported.get(from));
      expect(sha256Of(path.join(directory, 'from', `näme ${at}`))).toBe(reported.get(from));
      expect(fs.statSync(copy).mode & 0o7777).toBe(at % 2 === 0 ? 0o640 : 0o600);
    }
  });

  it('gives back what it could not copy as it was looked at', () => {
    const directory = temporaryDirectory();
    const jobs = jobsFor(directory, MANY);
    const file = (at: number): string => path.join(directory, 'from', `näme ${at}`);
    fs.writeFileSync(file(1), 'changed');
    fs.rmSync(file(2));
    fs.rmSync(file(3));
    fs.symlinkSync('näme 4', file(3));
    fs.writeFileSync(path.join(directory, 'to', '5'), 'in the way');
    const reported = carryOut(jobs);
    const failed = jobs.flatMap((job, at) => (reported.get(job.path) === undefined ? [at] : []));
    expect(failed).toEqual([1, 2, 3, 5]);
    expect(fs.readFileSync(path.join(directory, 'to', '5'), 'utf8')).toBe('in the way');
  });

  it('only reads what has no place to go to', () => {
    const directory = temporaryDirectory();
    const jobs = jobsFor(directory, 10).map((job) => ({ ...job, to: undefined }));
    const reported = carryOut(jobs);
    expect(reported.get(jobs[7]?.path as RawPath)).toBe(sha256Of(path.join(directory, 'from', 'näme 7')));
    expect(fs.readdirSync(path.join(directory, 'to'))).toEqual([]);
  });

  it('writes nothing any more once it is closed, though it has not finished', () => {
    const directory = temporaryDirectory();
    const crew = new CopyCrew(() => undefined);
    for (const job of jobsFor(directory, MANY)) crew.add(job);
    crew.close();
    const written = fs.readdirSync(path.join(directory, 'to'));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    expect(fs.readdirSync(path.join(directory, 'to'))).toEqual(written);
  });
});

describe('a large file', () => {
  const LARGE = 17 * 1024 * 1024 + 3;

  function copyOpen(from: string, to: string): string {
    const crew = new CopyCrew(() => undefined);
    const [source, target] = [fs.openSync(from, 'r'), fs.openSync(to, 'wx+')];
    try {
      return crew.copyOpen(source, target, LARGE).sha256;
    } finally {
      fs.closeSync(source);
      fs.closeSync(target);
      crew.close();
    }
  }

  it('is read and written by one thread, and hashed by the other', () => {
    const directory = temporaryDirectory();
    const [from, to] = [path.join(directory, 'from'), path.join(directory, 'to')];
    const content = Buffer.alloc(LARGE, 'some content, over and over again; ');
    fs.writeFileSync(from, content);
    expect(copyOpen(from, to)).toBe(createHash('sha256').update(content).digest('hex'));
    expect(fs.readFileSync(to).equals(content)).toBe(true);
  });

  asRoot('that does not fit is told, and leaves nobody waiting', () => {
    const place = smallFileSystem(8);
    const from = path.join(temporaryDirectory(), 'from');
    fs.writeFileSync(from, Buffer.alloc(LARGE, 1));
    expect(() => copyOpen(from, path.join(place, 'to'))).toThrow(/ENOSPC/);
  });
});
