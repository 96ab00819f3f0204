import { expect, it, vi } from 'vitest';
import { silentLogger } from '../src/logger.ts';

it('the silent logger takes every level and says nothing', () => {
  const [out, error] = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')];
  for (const level of ['debug', 'info', 'warn', 'error'] as const) silentLogger[level]('message');
  expect(out).not.toHaveBeenCalled();
  expect(error).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});
