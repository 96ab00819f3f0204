import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Server, type AuthorsPool } from '../server.ts';

/* What pools may find and what their closures may do, all in one run; the pools beside them must not notice. */

const odd: Record<string, [pool: Omit<AuthorsPool, 'id' | 'files'>, ending: string, reason: RegExp, content: string]> =
  {
    'no-closure': [{}, 'applied', /not applied before/, 'new'],
    daemon: [{ closure: ['setsid sleep 600 & echo started'] }, 'applied', /not applied before/, 'new'],
    'much-output': [{ closure: ['head -c 1000000000 /dev/zero | tr "\\0" x'] }, 'applied', /not applied before/, 'new'],
    hangs: [
      { closure: ['trap "" TERM; test -e LIVE/../hung || { touch LIVE/../hung; sleep 600; }'], timeoutSeconds: 1 },
      'reverted',
      /^closure line 1 .* ran out of time/,
      'old',
    ],
    'fails-twice': [
      { closure: ['false'] },
      'failed',
      /then the rollback failed: everything of hotfix_pool_fails-twice was put back, but then closure line 1 \(false\) exited 1/,
      'old',
    ],
    'ends-early': [{ closure: ['exit 0', 'false'] }, 'failed', /ended the closure early/, 'old'],
    beside: [{ closure: ['true'] }, 'applied', /not applied before/, 'new'],
    'removes-its-backup': [
      { closure: ['rm -rf LIVE/../backups/hotfix_pool_removes-its-backup*', 'grep -q old LIVE/removes-its-backup'] },
      'reverted',
      /^closure line 2 .* exited 1/,
      'old',
    ],
    'damages-its-backup': [
      { closure: ['truncate -s 20 LIVE/../backups/hotfix_pool_damages-its-backup_backup/manifest.json', 'false'] },
      'failed',
      /then the rollback failed: .*hotfix_pool_damages-its-backup_backup\/manifest.json is cut off/,
      'new',
    ],
  };

it('each pool ends in its own way, is told by name, and nothing it started is left', async () => {
  const server = new Server(Object.fromEntries(Object.keys(odd).map((id) => [id, 'old'])));
  server.pools(
    '1.0.0',
    Object.entries(odd).map(([id, [pool]]) => ({ ...pool, id, files: { [id]: 'new' } })),
  );
  const report = await server.apply();
  for (const [id, [, ending, reason, content]] of Object.entries(odd)) {
    const pool = report.pools.find((one) => one.id === id);
    expect([id, pool?.skip ?? pool?.state, server.read(id)]).toEqual([id, ending, content]);
    expect(pool?.reason).toMatch(reason);
  }
  expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toMatch(/^sleep 600$/m);
});

it('a pool that removes all backups and then fails is put back all the same, and the pools after it have backups of their own', async () => {
  const server = new Server({ vandal: 'old', after: 'old' });
  server.pools('1.0.0', [
    { id: 'vandal', files: { vandal: 'new' }, closure: ['rm -rf LIVE/../backups', '! grep -q new LIVE/vandal'] },
    { id: 'after', files: { after: 'broken' }, closure: ['! grep -q broken LIVE/after'] },
  ]);
  const { pools } = await server.apply();
  expect(pools.map(({ id, state }) => `${id} ${state}`)).toEqual(['vandal reverted', 'after reverted']);
  expect([server.read('vandal'), server.read('after')]).toEqual(['old', 'old']);
  expect((await server.apply({ retry: true })).pools.map(({ state }) => state)).toEqual(['reverted', 'reverted']);
});

it('what could not be put back is refused before anything is changed, and a read-only place is left as it is', async () => {
  if (process.getuid?.() !== 0) {
    process.stderr.write('LEFT OUT: pools over immutable files and read-only mounts; only root can make them.\n');
    return;
  }
  const server = new Server({ immutable: 'old', mount: {} });
  const at = (name: string): string => path.join(server.live, name);
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', at('mount')]);
  onTestFinished(() => void execFileSync('umount', [at('mount')]));
  fs.writeFileSync(at('mount/file'), 'old');
  execFileSync('mount', ['-o', 'remount,ro', at('mount')]);
  execFileSync('chattr', ['+i', at('immutable')]);
  onTestFinished(() => void execFileSync('chattr', ['-i', at('immutable')]));
  server.pools('1.0.0', [
    { id: 'immutable', files: { immutable: 'new' } },
    { id: 'read-only', files: { 'mount/file': 'new' } },
  ]);
  const { pools } = await server.apply();
  expect(pools.map(({ id, state, skip, reason }) => `${id} ${skip ?? state}: ${reason}`)).toEqual([
    expect.stringMatching(/^immutable refused: cannot capture .*immutable: it is immutable/),
    expect.stringMatching(/^read-only reverted: cannot write .*mount\/file: EROFS/),
  ]);
  expect([server.read('immutable'), server.read('mount/file')]).toEqual(['old', 'old']);
});
