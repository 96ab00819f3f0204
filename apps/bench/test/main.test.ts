import path from 'node:path';
import { runCommand } from '@homeserver/system';
import { temporaryDirectory } from '@homeserver/test-support';
import { expect, it } from 'vitest';

const main = path.resolve(import.meta.dirname, '../src/main.ts');

async function bench(...args: string[]) {
  const { exitCode, stdout, stderr } = await runCommand([process.execPath, main, ...args], {
    cwd: temporaryDirectory(),
  });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

it('answers wrong usage with one line and exit code 2', async () => {
  const { exitCode, stdout, stderr } = await bench('--only', 'nothing');
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toMatch(/^bench: --only: there is nothing called "nothing"; there are: .*\n$/);
});

it('says what it does when it is asked', async () => {
  const { exitCode, stdout } = await bench('--help');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('--quick');
});
