import fs from 'node:fs';
import path from 'node:path';
import { runCommand } from '@homeserver/system';
import { temporaryDirectory } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { python } from '../src/commands/copies.ts';

/** Whether a sync of a pipe, which the kernel refuses, succeeds; and what becomes of a file that is written and synced. */
const script = `
  import os
  try:
      os.fsync(os.pipe()[0])
      print('answered')
  except OSError as error:
      print(error.strerror)
  with open('file', 'w') as file:
      file.write('content')
      file.flush()
      os.fsync(file.fileno())
`.replaceAll(/^ {2}/gm, '');

it('answers syncs in place of the kernel, and nothing else', async () => {
  const cwd = temporaryDirectory();
  const sync = ['python3', '-c', script] as const;
  const [plain, without] = await Promise.all(
    [sync, python('without_syncs.py', ...sync).argv].map((argv) => runCommand(argv as [string], { cwd })),
  );
  expect([plain?.stdout.toString(), plain?.exitCode]).toEqual(['Invalid argument\n', 0]);
  expect([without?.stdout.toString(), without?.exitCode]).toEqual(['answered\n', 0]);
  expect(fs.readFileSync(path.join(cwd, 'file'), 'utf8')).toBe('content');
});
