import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTree } from '@homeserver/test-support';
import { moduleFiles } from '../support/module-files.ts';
import { serverFolder, type ServerFolder } from '../support/server-folder.ts';

/** A module `web` that is installed and names its state, and the files that it names. */
async function withModule(configuration?: Record<string, unknown>): Promise<{ server: ServerFolder; etc: string }> {
  const server = await serverFolder();
  const etc = path.join(server.root, 'etc');
  makeTree(etc, { web: { conf: 'mine' }, other: 'mine too' });
  const own = configuration ?? { backup_paths: [`${etc}/web/`] };
  makeTree(path.join(server.modulesPath, 'modules'), {
    web: moduleFiles('web', { version: '1.0.0', configuration: own }),
  });
  return { server, etc };
}

const contentOf = (etc: string): string => fs.readFileSync(path.join(etc, 'web/conf'), 'utf8');

describe('updater backup', { timeout: 30_000 }, () => {
  it('captures what the configuration of the module names; restore puts it back', async () => {
    const { server, etc } = await withModule();
    const { exitCode, stdout, stderr } = await server.updater('backup', 'web', '--description', 'before I edit it');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(`[INFO] Backed up web: 1 path in ${server.backupDir}/web_backup\n`);
    fs.writeFileSync(path.join(etc, 'web/conf'), 'broken');
    expect((await server.updater('restore', 'web')).exitCode).toBe(0);
    expect(contentOf(etc)).toBe('mine');
    expect((await server.updater('backups', 'list')).stdout).toMatch(/^web .* 1 path +before I edit it$/m);
  });

  it('counts a backup whose place is a link to nowhere as damaged, and makes a new one there', async () => {
    const { server } = await withModule();
    await server.updater('backup', 'web');
    const slot = path.join(server.backupDir, 'web_backup');
    fs.rmSync(slot, { recursive: true });
    fs.symlinkSync('/nonexistent', slot);
    const { exitCode, stdout } = await server.updater('backups', 'verify');
    expect([exitCode, stdout]).toEqual([4, expect.stringMatching(/^web DAMAGED\n.*\n0 of 1 backup is good\.\n$/)]);
    expect((await server.updater('backup', 'web')).exitCode).toBe(0);
    expect((await server.updater('backups', 'verify')).exitCode).toBe(0);
  });

  it('captures what flags name as well', async () => {
    const { server, etc } = await withModule();
    const { answer } = await server.answer('backup', 'web', '--file', path.join(etc, 'other'));
    expect(answer).toMatchObject({
      schema: 'homeserver-updates/backup@1',
      ok: true,
      data: { module_name: 'web', files: [`${etc}/web`, `${etc}/other`], recovery: { failed: [] } },
    });
  });

  it('captures what flags name under a name that is no module', async () => {
    const { server, etc } = await withModule();
    expect((await server.updater('backup', 'mine', '--file', `${etc}/other`)).exitCode).toBe(0);
    const { answer } = await server.answer('backups', 'show', 'mine');
    expect(answer.data.backups).toMatchObject([{ files: [`${etc}/other`], description: 'taken by hand' }]);
  });

  it('keeps as many as asked for, and any of them can be restored', async () => {
    const { server, etc } = await withModule();
    for (const content of ['one', 'two']) {
      fs.writeFileSync(path.join(etc, 'web/conf'), content);
      await server.updater('backup', 'web', '--keep', '2', '--description', content);
    }
    expect((await server.updater('backups', 'list')).stdout).toMatch(/^web has 1 older: updater backups show web$/m);
    const { stdout } = await server.updater('backups', 'show', 'web');
    const shown = [...stdout.matchAll(/^([0-9a-f]{12}) {2}\S+ \S+ {2}(\w+)\n {2}(.*)$/gm)].map(([, ...parts]) => parts);
    expect(shown.map(([, ...rest]) => rest)).toEqual([
      ['two', `${etc}/web`],
      ['one', `${etc}/web`],
    ]);
    const older = shown[1]?.[0] ?? '';
    expect(stdout).toContain(`One of them: updater restore web --backup ${older}\n`);
    const { answer } = await server.answer('restore', 'web', '--backup', older.slice(0, 8));
    expect(answer.data.backup_id).toBe(older);
    expect(contentOf(etc)).toBe('one');
  });

  it('refuses to replace a good backup while an earlier change cannot be undone', async () => {
    const { server } = await withModule();
    await server.updater('backup', 'web');
    makeTree(server.backupDir, { journal: { '0123456789abcdef.json': '{' } });
    const { exitCode, stderr } = await server.updater('backup', 'web');
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(
      /^updater: an interrupted change could not be undone: .*\n {2}if it cannot be mended: .*\.given-up/,
    );
    expect((await server.answer('backups', 'show', 'web')).answer.data.backups).toHaveLength(1);
  });
});

describe('updater backups', { timeout: 30_000 }, () => {
  it('verify re-reads all, older ones too, and ends with 4 when one is damaged', async () => {
    const { server, etc } = await withModule();
    for (let i = 0; i < 2; i += 1) await server.updater('backup', 'web', '--keep', '2');
    const good = await server.updater('backups', 'verify');
    expect([good.exitCode, good.stdout]).toEqual([
      0,
      expect.stringMatching(/^(web [0-9a-f]{12} good\n){2}2 of 2 backups are good\.\n$/),
    ]);
    const [, older = ''] = fs.readdirSync(server.backupDir).filter((name) => name.startsWith('web_backup'));
    const copy = path.join(server.backupDir, older, 'files', etc, 'web/conf');
    fs.writeFileSync(copy, 'evil');
    const { exitCode, answer } = await server.answer('backups', 'verify', 'web');
    expect(exitCode).toBe(4);
    expect(answer).toMatchObject({
      schema: 'homeserver-updates/backups-verify@1',
      ok: false,
      data: { backups: [{ good: true }, { good: false, damages: [expect.stringContaining(copy)] }] },
    });
    fs.truncateSync(path.join(server.backupDir, older, 'manifest.json'), 10);
    const bad = await server.updater('backups', 'verify');
    expect(bad.stdout).toMatch(new RegExp(`^web ${older.slice(-12)} DAMAGED\\n {2}the backup is damaged: `, 'm'));
  });

  it('remove takes one away, or all of them, and asks for --yes where it cannot ask', async () => {
    const { server } = await withModule();
    for (let i = 0; i < 3; i += 1) await server.updater('backup', 'web', '--keep', '3');
    const refused = await server.updater('backups', 'remove', 'web');
    expect(refused).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'updater: nothing was touched: there is no terminal to ask on\n  add --yes\n',
    });
    const ids = async (): Promise<string[]> =>
      (await server.answer('backups', 'show', 'web')).answer.data.backups.map(({ id }: { id: string }) => id);
    const [first = '', second = ''] = await ids();
    const { answer } = await server.answer('backups', 'remove', 'web', '--backup', second, '--yes');
    expect(answer).toMatchObject({
      schema: 'homeserver-updates/backups-remove@1',
      data: { backup: second, removed: true },
    });
    expect(await ids()).toHaveLength(2);
    expect(await ids()).not.toContain(second);
    const { stdout } = await server.updater('backups', 'remove', 'web', '--yes');
    expect(stdout).toMatch('[INFO] Removed all 2 backups of web\n');
    expect((await server.updater('restore', 'web')).exitCode).toBe(2);
    expect(first).not.toBe('');
  });
});
