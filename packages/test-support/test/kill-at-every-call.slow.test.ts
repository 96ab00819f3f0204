import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import {
  countCalls,
  describeUnderSupervision,
  killAtCall,
  type SupervisionOptions,
} from '../src/kill-at-every-call.ts';
import { faultPoints } from '../src/fault-points.ts';
import { temporaryDirectory } from '../src/temporary-directory.ts';

const OLD = 'the old content\n';
const NEW = 'quite another content\n';

interface Case {
  file: string;
  under: [string];
  /** Writes over the file where it lies, so that a reader may find half of it. */
  inPlace: ['sh', '-c', string];
  /** As it should be done; what is written first is named through a descriptor. */
  renamed: ['sh', '-c', string];
}

function aFile(): Case {
  const directory = temporaryDirectory();
  const file = path.join(directory, 'file');
  fs.writeFileSync(file, OLD);
  const renamed = `exec 9<${directory}; printf '%s' '${NEW}' > /proc/self/fd/9/temp && mv ${directory}/temp ${file}`;
  return {
    file,
    under: [directory],
    inPlace: ['sh', '-c', `printf '%s' '${NEW}' > ${file}`],
    renamed: ['sh', '-c', renamed],
  };
}

/** What a reader finds after a fault at each of the calls. */
async function found(way: 'inPlace' | 'renamed', options: Partial<SupervisionOptions>): Promise<Set<string>> {
  const contents = new Set<string>();
  const { [way]: run, ...first } = aFile();
  const { calls } = await countCalls(run, { ...options, under: first.under });
  for (let n = 1; n <= calls.length; n += 1) {
    const { file, under, [way]: again } = aFile();
    await killAtCall(again, n, { ...options, under });
    contents.add(fs.readFileSync(file, 'utf8'));
  }
  return contents;
}

await describeUnderSupervision('a command under supervision', () => {
  it('is killed before its calls, and shows what only a kill between them can show', async () => {
    expect(await found('inPlace', { mode: 'kill' })).toEqual(new Set([OLD, '']));
    expect(await found('renamed', { mode: 'kill' })).toEqual(new Set([OLD]));
  });

  it('is killed with half of a write on the disk', async () => {
    expect(await found('inPlace', { mode: 'torn' })).toEqual(new Set([NEW.slice(0, NEW.length / 2)]));
    expect(await found('renamed', { mode: 'torn' })).toEqual(new Set([OLD]));
  });

  it('goes on after a short write, of which it is told', async () => {
    expect(await found('inPlace', { mode: 'short' })).toEqual(new Set([NEW]));
  });

  it.each(['ENOSPC', 'EIO', 'EROFS'] as const)('gets an error in place of a call: %s', async (mode) => {
    const { inPlace, under } = aFile();
    const { exitCode, firedAt, stderr } = await killAtCall(inPlace, 1, { under, mode });
    expect([exitCode === 0, firedAt?.split(' ')[0], stderr === '']).toEqual([false, 'openat', false]);
  });

  it('gets a signal, and its exit code says so', async () => {
    const { renamed, under } = aFile();
    expect((await killAtCall(renamed, 2, { under, mode: 'SIGTERM' })).exitCode).toBe(128 + 15);
  });

  it('waits at a call, or at each from it on, while somebody else looks', async () => {
    const { file, renamed, under } = aFile();
    const log = path.join(temporaryDirectory(), 'log');
    const hook = `cat ${file} >> ${log}`;
    const { calls, exitCode } = await killAtCall(renamed, 1, { under, mode: 'hook', hook, sticky: true });
    expect(exitCode).toBe(0);
    expect(calls.length).toBeGreaterThan(2);
    expect(fs.readFileSync(log, 'utf8')).toBe(OLD.repeat(calls.length));
    expect(fs.readFileSync(file, 'utf8')).toBe(NEW);
  });

  it('is counted where it goes through a descriptor, and not elsewhere', async () => {
    const { renamed, under } = aFile();
    const { calls } = await countCalls(renamed, { under });
    expect(calls[0]).toBe(`openat ${under[0]}/temp`);
    expect((await countCalls(renamed, { under: ['/nowhere'] })).calls).toEqual([]);
  });
});

it('a sample of calls has the first and the last, and is always the same; a campaign has them all, or so many', () => {
  const asked = process.env['FAULT_POINTS'];
  onTestFinished(() => void (asked !== undefined && (process.env['FAULT_POINTS'] = asked)));
  delete process.env['FAULT_POINTS'];
  expect(faultPoints(10, 4)).toEqual([1, 4, 7, 10]);
  expect(faultPoints(3, 10)).toEqual([1, 2, 3]);
  expect(faultPoints(0, 4)).toEqual([]);
  expect(new Set(faultPoints(500, 60)).size).toBe(60);
  process.env['FAULT_POINTS'] = 'all';
  expect(faultPoints(5, 2)).toEqual([1, 2, 3, 4, 5]);
  process.env['FAULT_POINTS'] = '3';
  expect(faultPoints(5, 2)).toEqual([1, 3, 5]);
  delete process.env['FAULT_POINTS'];
});
