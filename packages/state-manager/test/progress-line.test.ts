import { describe, expect, it } from 'vitest';
import { describeProgress, progressLine, type Progress, type ProgressTerminal } from '../src/index.ts';

const half: Progress = {
  phase: 'capture',
  filesDone: 1200,
  filesTotal: 50_000,
  bytesDone: 4.75 * 1024 ** 2,
  bytesTotal: 200 * 1024 ** 2,
  bytesPerSecond: 12.5 * 1024 ** 2,
  remainingMs: 14_600,
};

describe('progress in words', () => {
  it.each<[Partial<Progress>, string]>([
    [{}, 'backing up: 1200 of 50000 files, 4.8 of 200.0 MiB, 12.5 MiB/s, 0:15 left'],
    [{ remainingMs: 750_000 }, 'backing up: 1200 of 50000 files, 4.8 of 200.0 MiB, 12.5 MiB/s, 12:30 left'],
    [{ remainingMs: 10_805_000 }, 'backing up: 1200 of 50000 files, 4.8 of 200.0 MiB, 12.5 MiB/s, 3:00:05 left'],
    [
      { phase: 'restore', bytesDone: 0, bytesTotal: 512, bytesPerSecond: 0, remainingMs: 0 },
      'putting back: 1200 of 50000 files, 0 of 512 B, 0 B/s, 0:00 left',
    ],
  ])('%j', (part, text) => {
    expect(describeProgress({ ...half, ...part })).toBe(text);
  });

  it('says nothing of totals that are not known', () => {
    expect(describeProgress({ phase: 'verify', filesDone: 3, bytesDone: 2048, bytesPerSecond: 1024 })).toBe(
      'checking: 3 files, 2.0 KiB, 1.0 KiB/s',
    );
  });
});

interface Screen extends ProgressTerminal {
  readonly written: string[];
}

function screen(isTTY: boolean, columns: number): Screen {
  const written: string[] = [];
  return { written, isTTY, columns, write: (text) => written.push(text) };
}

describe('the progress line', () => {
  it('is drawn over itself, fits the terminal, has no colours, and goes when it is told to', () => {
    const terminal = screen(true, 30);
    const line = progressLine(terminal, 'xterm');
    line.clear();
    line.onProgress(half);
    line.onProgress(half);
    line.clear();
    line.clear();
    const drawn = `\r\x1b[K${describeProgress(half).slice(0, 29)}`;
    expect(terminal.written).toEqual([drawn, drawn, '\r\x1b[K']);
  });

  it.each([
    ['a pipe', screen(false, 80), 'xterm'],
    ['a terminal that cannot draw', screen(true, 80), 'dumb'],
  ])('is silent on %s', (_, terminal, term) => {
    const line = progressLine(terminal, term);
    line.onProgress(half);
    line.clear();
    expect(terminal.written).toEqual([]);
  });
});
