import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { isAlive } from './support/run-updater.ts';
import { repositoryWith } from './support/module-files.ts';
import { serverFolder } from './support/server-folder.ts';
import { endingsOf, misbehaviours } from './support/misbehaviours.ts';

const MAX_LOG_BYTES = 4 * 1024 * 1024;

it(
  'modules that do everything wrong, all in one run: each is named, and all others run',
  { timeout: 300_000 },
  async () => {
    const server = await serverFolder();
    const { modules, endings } = misbehaviours(server.root);
    await server.repository.commit(repositoryWith(modules));
    const { exitCode, answer } = await server.answer('run', '--jobs', '4');
    expect(endingsOf(answer.data.modules)).toEqual(endings);
    expect(exitCode).toBe(3);
    expect(fs.statSync(server.logFile).size).toBeLessThan(MAX_LOG_BYTES);
    expect(isAlive(Number(fs.readFileSync(path.join(server.root, 'daemon'), 'utf8')))).toBe(false);
    for (const [name, ending] of Object.entries(endings))
      expect([name, server.entryOf(name) !== undefined]).toEqual([name, ending === 'succeeded']);

    const next = await server.answer('run', '--module', 'damages-itself', '--module', 'deletes-its-backup');
    const damage = `Module damages-itself 1.0.0 is damaged, and installed again: .* has no entry`;
    expect([next.exitCode, next.stderr]).toEqual([0, expect.stringMatching(damage)]);
    expect(next.answer.data.updated).toEqual([{ name: 'damages-itself', from: '1.0.0', to: '1.0.0' }]);
  },
);

it('one that damages its backup and then fails: its change cannot be put back, that is said, and all others run', async () => {
  const server = await serverFolder();
  const damages = `await context.state.guard('one', { files: [context.stateDir] }, async () => {
      fs.writeFileSync(context.stateDir + '/half', '');
      fs.truncateSync(context.state.backupDir + '/one_backup/manifest.json', 20);
      throw new Error('no disk');
    });`;
  await server.repository.commit(
    repositoryWith({ one: { version: '1.0.0', main: damages }, two: { version: '1.0.0' } }),
  );
  const { exitCode, answer } = await server.answer('run');
  expect(exitCode).toBe(4);
  expect(answer.data.modules).toMatchObject([
    {
      name: 'one',
      status: 'failed',
      rollback_failed: expect.arrayContaining([expect.stringMatching(/^one: .*one_backup\/manifest.json is cut off/)]),
    },
    { name: 'two', status: 'succeeded' },
  ]);
  const { exitCode: refused, stderr } = await server.updater('run');
  expect([refused, stderr]).toEqual([
    4,
    expect.stringMatching(/^updater: .*one: .*manifest.json is cut off.*\n {2}.*\n$/),
  ]);
});
