import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedOutput } from '../src/bounded-output.ts';

function collected(limitBytes: number, chunks: readonly (string | Uint8Array)[]): BoundedOutput {
  const output = new BoundedOutput(limitBytes);
  for (const chunk of chunks) output.add(Buffer.from(chunk as string));
  return output;
}

describe('BoundedOutput', () => {
  it('keeps everything up to its limit', () => {
    const output = collected(10, ['01234', '', '56', '789']);
    expect(output.toBuffer().toString()).toBe('0123456789');
    expect(output.truncated).toBe(false);
  });

  it('keeps the first and the last half beyond it, and says how much is left out', () => {
    const output = collected(10, ['0123', '456', '789a']);
    expect(output.toBuffer().toString()).toBe('01234\n[... 1 bytes left out ...]\n6789a');
    expect(output.truncated).toBe(true);
  });

  it('keeps the same, however the bytes are cut into chunks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), fc.array(fc.uint8Array({ maxLength: 30 })), (limit, chunks) => {
        const all = Buffer.concat(chunks);
        const output = collected(limit, chunks);
        expect(output.truncated).toBe(all.length > limit);
        const [first, last] = [all.subarray(0, Math.ceil(limit / 2)), all.subarray(-Math.floor(limit / 2))];
        const gap = Buffer.from(`\n[... ${all.length - limit} bytes left out ...]\n`);
        expect(output.toBuffer()).toEqual(all.length > limit ? Buffer.concat([first, gap, last]) : all);
      }),
      { numRuns: 500 },
    );
  });

  it('can be read in between, and hands out what later bytes do not change', () => {
    const output = collected(4, ['ab']);
    const before = output.toBuffer();
    output.add(Buffer.from('cdefgh'));
    expect(before.toString()).toBe('ab');
    expect(output.toBuffer().toString()).toBe('ab\n[... 4 bytes left out ...]\ngh');
  });

  it('takes no memory for what comes byte by byte, and no time that grows with it', () => {
    const output = new BoundedOutput(1024 * 1024);
    const byte = Buffer.from('x');
    const before = process.memoryUsage.rss();
    const startedAt = performance.now();
    for (let added = 0; added < 3_000_000; added++) output.add(byte);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024);
    expect(output.toBuffer().length).toBe(1024 * 1024 + '\n[... 1951424 bytes left out ...]\n'.length);
  });
});
