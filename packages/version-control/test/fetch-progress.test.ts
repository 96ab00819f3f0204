import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { describeFetch, describeReceived, syncMirror, type FetchProgress } from '../src/index.ts';
import { fetchProgressReader } from '../src/fetch-progress.ts';
import { scene } from './support.ts';

/** What is told of these chunks of git's standard error. */
function read(...chunks: string[]): FetchProgress[] {
  const told: FetchProgress[] = [];
  const add = fetchProgressReader((progress) => void told.push(progress));
  for (const chunk of chunks) add(Buffer.from(chunk));
  return told;
}

it('a fetch tells how many objects and bytes have come, to its end', async () => {
  const { remote, mirror } = await scene();
  const parts = Array.from({ length: 40 }, (_, at) => [`f${at}`, randomBytes(30_000).toString('latin1')]);
  await remote.commit(Object.fromEntries(parts));
  const told: FetchProgress[] = [];
  const onProgress = (progress: FetchProgress): void => void told.push(progress);
  await syncMirror(mirror, { url: remote.url, branch: 'main', onProgress });
  const last = told.findLast(({ step }) => step === 'receive');
  expect(last?.objectsDone).toBe(last?.objectsTotal);
  expect(last?.objectsTotal).toBeGreaterThan(40);
  expect(last?.bytesDone).toBeGreaterThan(40 * 30_000);
  told.length = 0;
  await syncMirror(mirror, { url: remote.url, branch: 'main', onProgress });
  expect(told).toEqual([]); // Nothing new: nothing is fetched.
});

describe('git writes for people, and', () => {
  const start = 'Receiving objects:   0% (1/302)\r';
  const end = 'Receiving objects: 100% (302/302), 5.73 MiB | 32.80 MiB/s, done.\n';

  it('the last of each chunk is told, however it is cut', () => {
    const first = { step: 'receive', objectsDone: 1, objectsTotal: 302, bytesDone: 0 };
    const last = { step: 'receive', objectsDone: 302, objectsTotal: 302, bytesDone: Math.round(5.73 * 1024 ** 2) };
    expect(read(start + end)).toEqual([last]);
    expect(read(start, end.slice(0, 30), end.slice(30))).toEqual([first, last]);
  });

  it('differences are resolved after that', () => {
    const [, resolved] = read(
      'Receiving objects: 100% (3/3), 239 bytes | 239.00 KiB/s, done.\nResolving deltas:   5% (1/20)\r',
    );
    expect(resolved).toEqual({ step: 'resolve', objectsDone: 1, objectsTotal: 20, bytesDone: 239 });
  });

  it('what the server says, and all else, is none of it', () => {
    expect(read(`remote: ${start}`, 'From file:///x\n', ` ${end}`, `${'x'.repeat(10_000)}`, `${end}`)).toEqual([]);
  });
});

it('people read it in one line', () => {
  const progress = { step: 'receive', objectsDone: 136, objectsTotal: 302, bytesDone: 2.6 * 1024 ** 2 } as const;
  expect(describeFetch(progress)).toBe('receiving: 136 of 302 objects, 2.6 MiB');
  expect(describeFetch({ ...progress, step: 'resolve' })).toBe('resolving: 136 of 302 objects');
  expect(describeReceived({ objects: 302, bytes: 6_008_340 })).toBe('302 objects, 5.7 MiB');
  expect(describeReceived({ objects: 1, bytes: 239 })).toBe('1 object, 239 bytes');
});
