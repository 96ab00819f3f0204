import fs from 'node:fs';
import os from 'node:os';
import { expect, it } from 'vitest';
import { selfCheck } from '../../src/index.ts';

const left = (): string[] => fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith('homeserver-updates-check-'));

it('this orchestrator finds itself well, and leaves nothing behind', async () => {
  const before = left();
  await selfCheck();
  expect(left()).toEqual(before);
});
