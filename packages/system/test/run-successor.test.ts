import path from 'node:path';
import { expect, it } from 'vitest';
import { runSuccessor, type SuccessorEnd, type SuccessorOptions } from '../src/run-successor.ts';

const script = path.join(import.meta.dirname, 'fixtures/successor.ts');

function run(words: readonly string[], options: Partial<SuccessorOptions> = {}): Promise<SuccessorEnd> {
  return runSuccessor(script, { args: words, startWithinMs: 60_000, holdOutput: true, ...options });
}

it.each<[string, string[], Partial<SuccessorEnd>]>([
  ['ends well', ['start'], { exitCode: 0, started: true }],
  ['fails', ['start', 'fail'], { exitCode: 7, started: true }],
  ['is killed', ['start', 'die'], { exitCode: undefined, signal: 'SIGKILL', started: true }],
  ['cannot begin', ['refuse'], { started: false, notStarted: 'there is no room' }],
  ['ends before it has begun', [], { started: false, notStarted: 'it ended with exit code 0 before it began' }],
  ['is killed before it has begun', ['die'], { started: false, notStarted: 'it was ended by SIGKILL' }],
])('tells of a successor that %s', async (_, words, end) => {
  expect(await run(words)).toMatchObject(end);
});

it('ends one that does not begin in time', async () => {
  const hung = await run(['hang'], { startWithinMs: 100 });
  expect(hung).toMatchObject({ signal: 'SIGKILL', started: false, notStarted: 'it did not begin within 0.1 s' });
});

it('runs it in our directory and environment, and it knows in whose place', async () => {
  const { output } = await run(['start', 'tell'], { env: { NAME: 'successor' } });
  expect(JSON.parse(output.toString())).toEqual({ cwd: process.cwd(), name: 'successor', before: [process.pid] });
});

it('passes on the signals that ask us to end, and stops listening for them', async () => {
  const before = process.listenerCount('SIGTERM');
  const running = run(['on-SIGTERM', 'start', 'hang']);
  expect(process.listenerCount('SIGTERM')).toBe(before + 1);
  const asking = setInterval(() => process.emit('SIGTERM', 'SIGTERM'), 200);
  const end = await running.finally(() => clearInterval(asking));
  expect(end.exitCode === 42 || end.signal === 'SIGTERM').toBe(true);
  expect(process.listenerCount('SIGTERM')).toBe(before);
});

it('tells why there is none when it cannot be started', async () => {
  const { started, notStarted } = await run([], { args: ['x'.repeat(10_000_000)] });
  expect({ started, notStarted }).toEqual({ started: false, notStarted: expect.stringContaining('E2BIG') });
});
