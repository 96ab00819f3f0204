import { expect, it } from 'vitest';
import { runClosure } from '../src/run-closure.ts';

it('the counting of lines goes beyond what is kept of the report', async () => {
  const lines = Array.from({ length: 12_000 }, () => ':');
  expect(await runClosure({ lines: [...lines, 'false'] })).toMatchObject({
    ok: false,
    failedLine: { number: 12_001, text: 'false' },
  });
}, 60_000);
