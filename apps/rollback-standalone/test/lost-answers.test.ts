import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { program } from './support/rollback.ts';
import { makeServer } from './support/server.ts';

it.each(['--list-backups', '--list-backups --json', '--list-snapshots', '--verify', '--version', '--schema'])(
  'an answer of %s that cannot be written is told in one line, and by exit code 1; a reader that goes away is not',
  async (words) => {
    const server = makeServer();
    await server.backUp('dns', { zone: 'one' });
    const run = `'${process.execPath}' '${program}' ${words} --backup-dir '${server.backups}'`;
    const full = spawnSync('/bin/sh', ['-c', `${run} >/dev/full`], { encoding: 'utf8' });
    const said = 'rollback-standalone: cannot write the answer: ENOSPC: no space left on device, write\n';
    expect([full.status, full.stderr]).toEqual([1, said]);
    const gone = spawnSync('/bin/sh', ['-c', `{ ${run}; echo $? >&2; } | true`], { encoding: 'utf8' });
    expect(gone.stderr).toBe('0\n');
  },
);
