import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { interruptedServer } from '../support/interrupted-server.ts';
import { repositoryWith } from '../support/module-files.ts';
import { serverFolder } from '../support/server-folder.ts';
import { until } from '../support/run-updater.ts';

describe('updater recover', { timeout: 30_000 }, () => {
  it('says so when nothing was open', async () => {
    const server = await serverFolder();
    const { exitCode, stdout } = await server.updater('recover');
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'Nothing was open.\n' });
    expect((await server.answer('recover')).answer).toEqual({
      schema: 'homeserver-updates/recover@1',
      ok: true,
      data: { recovered: [], failed: [] },
    });
  });

  it('brings back what a killed updater left half done, once', async () => {
    const { server, file } = await interruptedServer();
    expect(fs.readFileSync(file, 'utf8')).toBe('half');
    expect((await server.answer('status')).answer.data.interrupted).toBe(true);
    const { exitCode, stdout } = await server.updater('recover');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/\[WARNING\] Recovered from an interruption: one: 1 entry put back.*\n/);
    expect(stdout).toMatch(/^1 recovered, 0 failed\.$/m);
    expect(fs.readFileSync(file, 'utf8')).toBe('mine');
    expect((await server.updater('recover')).stdout).toBe('Nothing was open.\n');
    expect((await server.answer('status')).answer.data.interrupted).toBe(false);
  });

  it('puts the files back in the early phase of a boot, and says in the late one that it is complete', async () => {
    const { server, file } = await interruptedServer();
    const early = await server.updater('recover', '--phase', 'early');
    expect(early.stdout).toMatch(
      /\[WARNING\] Recovered from an interruption: one: 1 entry put back before any service starts\n/,
    );
    expect([early.exitCode, fs.readFileSync(file, 'utf8')]).toEqual([0, 'mine']);
    expect((await server.updater('recover', '--phase', 'early')).stdout).toMatch(/^Nothing has to be put back before/);
    expect((await server.answer('status')).answer.data.interrupted).toBe(true);
    const late = await server.updater('recover', '--phase', 'late');
    expect(late.stdout).toMatch(
      /\[WARNING\] Recovered from an interruption: one: what was begun during the boot is complete\n/,
    );
    expect([late.exitCode, (await server.updater('recover')).stdout]).toEqual([0, 'Nothing was open.\n']);
    expect((await server.updater('recover', '--phase', 'soon')).exitCode).toBe(2);
  });

  it('ends with 0 in the early phase when the way back is damaged, which the late one may mend', async () => {
    const { server, file } = await interruptedServer();
    fs.writeFileSync(path.join(server.backupDir, 'one_backup/files', file), 'evil');
    const early = await server.updater('recover', '--phase', 'early');
    expect(early.stdout).toMatch(/\[WARNING\] one cannot be put back yet, and is tried again after the boot: .*conf/);
    expect([early.exitCode, (await server.updater('recover', '--phase', 'late')).exitCode]).toEqual([0, 4]);
  });

  it('ends with 0 in the early phase while the disk of the backups is not mounted; the late one waits for it', async () => {
    const { server, file } = await interruptedServer();
    const disk = `${server.backupDir}-disk`;
    fs.renameSync(server.backupDir, disk);
    fs.mkdirSync(server.backupDir, { mode: 0o700 });
    const early = await server.updater('recover', '--phase', 'early');
    expect(early.stdout).toMatch(
      /^.*\[WARNING\] the backup directory .*: what was interrupted is put back after the boot.*\n$/,
    );
    expect([early.exitCode, early.stderr, fs.readdirSync(server.backupDir)]).toEqual([0, '', []]);
    const late = server.start(['recover', '--phase', 'late', '--wait', '60']);
    await until('it waits', () => fs.readFileSync(server.logFile, 'utf8').includes('waiting up to 60 s for its disk'));
    fs.rmdirSync(server.backupDir);
    fs.renameSync(disk, server.backupDir);
    expect((await late.ended).exitCode).toBe(0);
    expect(fs.readFileSync(file, 'utf8')).toBe('mine');
  });

  it('ends with 4 and names the file when the way back is damaged', async () => {
    const { server, file } = await interruptedServer();
    fs.writeFileSync(path.join(server.backupDir, 'one_backup/files', file), 'evil');
    const { exitCode, answer } = await server.answer('recover');
    expect(exitCode).toBe(4);
    expect(answer).toMatchObject({ ok: false, data: { failed: [expect.stringContaining('conf')] } });
    expect(fs.readFileSync(file, 'utf8')).toBe('half');
  });

  it.each(['backup', 'note'])(
    'names the command that gives up a change whose %s is lost, after which updates go on',
    async (what) => {
      const { server, file } = await interruptedServer();
      await server.repository.commit(repositoryWith({ one: { version: '1.1.0' } }));
      const journal = path.join(server.backupDir, 'journal');
      const notes = fs.readdirSync(journal).map((name) => path.join(journal, name));
      const note = notes.find((one) => fs.readFileSync(one, 'utf8').includes('"guard"')) ?? '';
      if (what === 'backup') fs.rmSync(path.join(server.backupDir, 'one_backup'), { recursive: true });
      else fs.truncateSync(note);
      const command = `mv ${note} ${note}.given-up`;
      const { exitCode, stderr } = await server.updater('run');
      expect(exitCode).toBe(4);
      expect(stderr).toMatch(
        /^updater: an interrupted change could not be undone: .*\n {2}if it cannot be mended: .*\n$/,
      );
      expect(stderr).toContain(`${note}`);
      expect(stderr.endsWith(`, after: ${command}\n`)).toBe(true);
      expect((await server.answer('recover')).answer.data).toEqual({
        recovered: [],
        failed: [expect.stringContaining(note)],
        advice: [expect.stringContaining(`, after: ${command}`)],
      });
      execFileSync('sh', ['-ec', command]);
      expect((await server.updater('run')).exitCode).toBe(0);
      expect((await server.updater('recover')).stdout).toBe('Nothing was open.\n');
      expect([fs.readFileSync(file, 'utf8'), server.index()]).toEqual(['half', { one: '1.1.0' }]);
    },
  );

  it('ends with 4 and says what to do when the note of an interrupted update cannot be read', async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    await server.updater('run');
    fs.writeFileSync(path.join(server.stateDir, 'replace.json'), '{"format":1,"id"');
    const { exitCode, stderr } = await server.updater('recover');
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/^updater: cannot read .*replace\.json: .*\n {2}.*rm .*replace\.json\n$/);
  });
});
