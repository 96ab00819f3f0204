import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { recordingsIn } from '../src/record/readme-recordings.ts';
import { recordTerminal } from '../src/record/record-terminal.ts';

it('the README shows what the programs show at a terminal', { timeout: 120_000 }, () => {
  const readme = fs.readFileSync(path.resolve(import.meta.dirname, '../../../README.md'), 'utf8');
  expect(recordingsIn(readme)).toBe(recordTerminal().trim()); // If not: npm run record
});
