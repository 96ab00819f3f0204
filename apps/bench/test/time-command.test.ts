import { expect, it } from 'vitest';
import { timeCommand } from '../src/time-command.ts';

it('counts the CPU time of the program and of what it started and waited for', async () => {
  const work = 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done';
  const { cpuSeconds, seconds } = await timeCommand({ argv: ['sh', '-c', `sh -c '${work}'; true`] });
  expect(cpuSeconds).toBeGreaterThan(0);
  expect(seconds).toBeGreaterThan(0);
});

it('throws for a program that fails, with its last words', async () => {
  const failing = timeCommand({ argv: ['sh', '-c', 'echo first >&2; echo no space >&2; exit 3'] });
  await expect(failing).rejects.toThrow('sh: exit code 3: no space');
});

it('throws for a program that is not there', async () => {
  await expect(timeCommand({ argv: ['/nowhere/program'] })).rejects.toThrow('ENOENT');
});

it('ends the program when it is asked to', async () => {
  const stop = new AbortController();
  const running = timeCommand({ argv: ['sleep', '1000'] }, stop.signal);
  stop.abort();
  await expect(running).rejects.toThrow('aborted');
});
