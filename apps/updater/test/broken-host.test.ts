import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { repositoryWith } from './support/module-files.ts';
import { program } from './support/run-updater.ts';
import { serverFolder } from './support/server-folder.ts';

it(
  'a module whose process cannot start is told why, and nothing of the program is in the log',
  { timeout: 60_000 },
  async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    const copy = path.join(server.root, 'program');
    for (const part of ['bin', 'dist'])
      fs.cpSync(path.join(program, '../..', part), path.join(copy, part), { recursive: true });
    const host = path.join(copy, 'dist/module-host.mjs');
    fs.writeFileSync(host, fs.readFileSync(host, 'utf8').replace(/;(?=[^;]*$)/, ';var =1;'));
    const { stdout } = spawnSync(process.execPath, [path.join(copy, 'bin', path.basename(program)), 'run'], {
      env: { PATH: process.env['PATH'], ...server.environment },
      encoding: 'utf8',
    });
    const log = fs.readFileSync(server.logFile, 'utf8');
    for (const text of [stdout, log]) {
      expect(text).toMatch(
        /Module 'one' failed: was not run, because the process for it did not start: SyntaxError: .+$/m,
      );
      expect(text).not.toContain('module-host');
      expect(text).not.toContain('var =1');
    }
  },
);
