import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTree } from '@homeserver/test-support';
import { serverFolder, type ServerFolder } from '../support/server-folder.ts';

async function withFiles(): Promise<{ server: ServerFolder; etc: string }> {
  const server = await serverFolder();
  const etc = path.join(server.root, 'etc');
  makeTree(etc, { one: 'mine', two: 'mine' });
  return { server, etc };
}

describe('updater snapshots', { timeout: 30_000 }, () => {
  it('create captures, list shows it, restore puts it back by the beginning of its id', async () => {
    const { server, etc } = await withFiles();
    expect((await server.updater('snapshots', 'list')).stdout).toBe('There are no snapshots.\n');
    const created = await server.updater('snapshots', 'create', '--file', etc, '--description', 'before the move');
    expect(created.exitCode).toBe(0);
    const [, id = ''] = /\[INFO\] Snapshot ([0-9a-f]{12}): 1 path\n/.exec(created.stdout) ?? [];
    const { stdout } = await server.updater('snapshots', 'list');
    expect(stdout).toMatch(/^snapshot +type +taken +holds +what$/m);
    expect(stdout).toMatch(new RegExp(`^${id} +file +\\S+ \\S+ +1 path +before the move$`, 'm'));
    fs.writeFileSync(path.join(etc, 'one'), 'broken');
    const restored = await server.updater('snapshots', 'restore', id.slice(0, 6));
    expect(restored.exitCode).toBe(0);
    expect(restored.stdout).toMatch(new RegExp(`\\[INFO\\] Restored snapshot ${id}: 1 put back, `));
    const [, displaced = ''] = /one was moved to (\S+)\n/.exec(restored.stdout) ?? [];
    expect([fs.readFileSync(path.join(etc, 'one'), 'utf8'), fs.readFileSync(displaced, 'utf8')]).toEqual([
      'mine',
      'broken',
    ]);
  });

  it('answer with one object on stdout with --json', async () => {
    const { server, etc } = await withFiles();
    const created = (await server.answer('snapshots', 'create', '--file', etc, '--system')).answer;
    expect(created).toMatchObject({
      schema: 'homeserver-updates/snapshots-create@1',
      ok: true,
      data: { type: 'system', files: [etc], system: { kernel: expect.any(String) as string } },
    });
    const { id } = created.data;
    expect((await server.answer('snapshots', 'list')).answer).toMatchObject({
      schema: 'homeserver-updates/snapshots-list@1',
      data: { snapshots: [{ id, type: 'system', description: 'taken by hand' }], damaged: {} },
    });
    expect((await server.answer('snapshots', 'restore', id)).answer).toMatchObject({
      schema: 'homeserver-updates/snapshots-restore@1',
      data: { slot: id, unchanged: 3, recovery: { failed: [] } },
    });
    expect((await server.answer('snapshots', 'verify')).answer).toMatchObject({
      schema: 'homeserver-updates/snapshots-verify@1',
      data: { snapshots: [{ id, good: true, damages: [] }] },
    });
    expect((await server.answer('snapshots', 'remove', id, '--yes')).answer).toMatchObject({
      schema: 'homeserver-updates/snapshots-remove@1',
      data: { id },
    });
    expect((await server.answer('snapshots', 'list')).answer.data.snapshots).toEqual([]);
  });

  it('verify ends with 4 and names the file when one is damaged; restore refuses it and touches nothing', async () => {
    const { server, etc } = await withFiles();
    const { answer } = await server.answer('snapshots', 'create', '--file', etc);
    const { id, directory } = answer.data;
    const copy = path.join(directory, 'files', etc, 'one');
    fs.writeFileSync(copy, 'evil');
    fs.writeFileSync(path.join(etc, 'one'), 'broken');
    const { exitCode, stdout } = await server.updater('snapshots', 'verify', id);
    expect([exitCode, stdout]).toEqual([4, expect.stringMatching(`^${id} DAMAGED\n  ${copy} `)]);
    expect((await server.updater('snapshots', 'restore', id)).exitCode).toBe(4);
    expect(fs.readFileSync(path.join(etc, 'one'), 'utf8')).toBe('broken');
  });

  it.each<[string, string[], RegExp]>([
    ['create without anything to capture', ['create'], /^updater: nothing to capture is named\n {2}give --file/],
    [
      'restore of an unknown id',
      ['restore', 'abc'],
      /^updater: there is no snapshot abc in \S+\n {2}see: updater snapshots list\n$/,
    ],
    [
      'restore of what is no id',
      ['restore', '../web_backup'],
      /^updater: "\.\.\/web_backup" cannot be the id of a snapshot\n/,
    ],
    ['verify of an unknown id', ['verify', 'abc'], /^updater: there is no snapshot abc in /],
    [
      'remove without --yes',
      ['remove', 'abc'],
      /^updater: nothing was touched: there is no terminal to ask on\n {2}add --yes\n$/,
    ],
    ['remove of an unknown id', ['remove', 'abc', '--yes'], /^updater: there is no snapshot abc in /],
  ])('%s ends with 2 and says so', async (_, args, message) => {
    const { server } = await withFiles();
    const { exitCode, stderr } = await server.updater('snapshots', ...args);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(message);
  });
});
