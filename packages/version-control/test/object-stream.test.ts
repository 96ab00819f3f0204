import { describe, expect, it } from 'vitest';
import { syncMirror } from '../src/index.ts';
import { streamObjects, type ObjectReceiver } from '../src/object-stream.ts';
import { refusal, scene } from './support.ts';

/** Writes down what it is told. */
function recorder(extra: Partial<ObjectReceiver> = {}): ObjectReceiver & { told: string[]; bytes: number } {
  const record = {
    told: [] as string[],
    bytes: 0,
    begin: (place: number, header: { type: string; sizeBytes: number }): void =>
      void record.told.push(`begin ${place} ${header.type} ${header.sizeBytes}`),
    data: (chunk: Buffer): void => {
      record.bytes += chunk.length;
    },
    end: (place: number): void => void record.told.push(`end ${place}`),
    damaged: (place: number, why: string): void => void record.told.push(`damaged ${place} ${why}`),
  };
  return Object.assign(record, extra);
}

function block(forMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs);
}

describe('streamObjects', () => {
  it('gives each object in order, also twice, and says which is missing', async () => {
    const { remote, mirror } = await scene();
    const { commit } = await syncMirror(mirror, { url: remote.url, branch: 'main' });
    const blob = await remote.git('rev-parse', 'HEAD:index.json');
    const receiver = recorder();
    await streamObjects(mirror, [blob, 'f'.repeat(40), commit, blob], receiver);
    expect(receiver.told).toEqual([
      'begin 0 blob 2',
      'end 0',
      'damaged 1 it is missing',
      expect.stringMatching(/^begin 2 commit \d+$/),
      'end 2',
      'begin 3 blob 2',
      'end 3',
    ]);
  });

  it('loses nothing to a receiver that is slower than the disk of a tired machine', async () => {
    const { remote, mirror } = await scene();
    await remote.commit({ big: Buffer.alloc(280_000, 'x') });
    await syncMirror(mirror, { url: remote.url, branch: 'main' });
    const blob = await remote.git('rev-parse', 'HEAD:big');
    let bytes = 0;
    const receiver = recorder({
      data(chunk) {
        block(260);
        bytes += chunk.length;
      },
    });
    await streamObjects(mirror, [blob], receiver);
    expect(receiver.told).toEqual(['begin 0 blob 280000', 'end 0']);
    expect(bytes).toBe(280_000);
  });

  it('hands on what the receiver throws', async () => {
    const { remote, mirror } = await scene();
    const { commit } = await syncMirror(mirror, { url: remote.url, branch: 'main' });
    const receiver = recorder({
      begin() {
        throw new Error('no room');
      },
    });
    await expect(streamObjects(mirror, [commit, commit], receiver)).rejects.toThrow('no room');
  });

  it('stops on request', async () => {
    const { remote, mirror } = await scene();
    const { commit } = await syncMirror(mirror, { url: remote.url, branch: 'main' });
    await expect(streamObjects(mirror, [commit], recorder(), { signal: AbortSignal.abort() })).rejects.toThrow(
      refusal('git-failed', /stopped on request/),
    );
  });
});
