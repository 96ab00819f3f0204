import fs from 'node:fs';
import { describeTree } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { captureBackup, scene } from '../scene.ts';

it('a restore writes many files on two threads, and all are there', { timeout: 60_000 }, async () => {
  const names = Array.from({ length: 1100 }, (_, i) => `f${i}`);
  const here = scene({ many: Object.fromEntries(names.map((name) => [name, name])) });
  const before = describeTree(here.at('many'));
  const backup = captureBackup(here, { paths: [here.at('many')] });
  fs.rmSync(here.at('many'), { recursive: true });
  await backup.restore();
  expect(describeTree(here.at('many'))).toEqual(before);
});
