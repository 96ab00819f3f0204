import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeServer } from './support/server.ts';

/** A hotfix of two operations that went through: a file was replaced, and a script was run, which can be taken back. */
async function makePatchedServer(undoScript: string) {
  const server = makeServer();
  const { live, state } = server;
  const [conf, mark, script] = ['conf', 'mark', 'undo.sh'].map((name) => path.join(live, name)) as [
    string,
    string,
    string,
  ];
  fs.writeFileSync(conf, 'old');
  fs.writeFileSync(script, undoScript.replaceAll('MARK', mark));
  await state.guard('hotfix', { files: [conf], operations: true }, async (operations) => {
    await operations.begin({ id: 'fix-conf', type: 'copy', target: conf });
    fs.writeFileSync(conf, 'patched');
    await operations.end('fix-conf', 'applied');
    await operations.begin({ id: 'repair', type: 'execute', rollbackScript: { file: script } });
    fs.writeFileSync(mark, 'repaired');
    await operations.end('repair', 'applied');
  });
  return { ...server, conf, mark, log: path.join(server.backups, 'operations.json') };
}

describe('--rollback-log', () => {
  it('takes back what the log says was done, newest first, and says so', async () => {
    const { conf, mark, log, rollback: run } = await makePatchedServer('rm MARK');
    const { exitCode, stdout, stderr } = run('--rollback-log', log, '--yes');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(`  hotfix: fix-conf, copy ${conf}, of `);
    expect(stdout).toContain('  hotfix: repair, execute (by its rollback script), of ');
    expect(stdout).toMatch(
      /^hotfix: its operations are rolled back: .*\n {2}repair: rolled-back\n {2}fix-conf: rolled-back$/m,
    );
    expect([fs.readFileSync(conf, 'utf8'), fs.existsSync(mark)]).toEqual(['old', false]);
    expect(run('--rollback-log', log, '--yes').stdout).toBe('Nothing in the log is left to roll back.\n');
  });

  it('takes a log from elsewhere, and reports to programs', async () => {
    const { conf, log, rollback: run, live } = await makePatchedServer('rm MARK');
    const elsewhere = path.join(live, '../hotfix_operations.json');
    fs.renameSync(log, elsewhere);
    const { exitCode, stdout } = run('--rollback-log', elsewhere, '--yes', '--json');
    expect({ exitCode, ...JSON.parse(stdout) }).toMatchObject({
      exitCode: 0,
      schema: 'homeserver-updates/rollback-rollback-log@1',
      ok: true,
      data: { changes: [{ slot: 'hotfix', outcome: 'restored', error: null }] },
    });
    expect(fs.readFileSync(conf, 'utf8')).toBe('old');
  });

  it('exits 4 when a script fails; everything else is rolled back, and it can be tried again', async () => {
    const { conf, mark, log, rollback: run } = await makePatchedServer('[ -e MARK.ready ] && rm MARK');
    const { exitCode, stdout, stderr } = run('--rollback-log', log, '--yes');
    expect(exitCode).toBe(4);
    expect(stdout).toMatch(/^ {2}repair: failed: its rollback script ended with exit code 1$/m);
    expect(stderr).toContain('rollback-standalone: 1 change could not be rolled back completely\n');
    expect(fs.readFileSync(conf, 'utf8')).toBe('old');
    fs.writeFileSync(`${mark}.ready`, '');
    expect(run('--rollback-log', log, '--yes').exitCode).toBe(0);
    expect(fs.existsSync(mark)).toBe(false);
  });

  it('asks first, and refuses a log that is missing or damaged', async () => {
    const { conf, log, backups, rollback: run } = await makePatchedServer('rm MARK');
    expect(run('--rollback-log', log).stderr).toContain(
      `  type: rollback-standalone --rollback-log ${log} --yes --backup-dir ${backups}\n`,
    );
    expect(run('--rollback-log', `${log}.no`, '--yes')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(`cannot read ${log}.no: there is no such file\n`),
    });
    fs.truncateSync(log, 100);
    const damaged = run('--rollback-log', log, '--yes');
    expect([damaged.exitCode, damaged.stdout]).toEqual([4, '']);
    expect(damaged.stderr).toMatch(
      /^rollback-standalone: nothing was touched: the operation log .* cannot be read: .*\n/,
    );
    expect(damaged.stderr).toContain(
      `  the backups themselves can still be restored; to start a new log: mv ${log} ${log}.damaged\n`,
    );
    expect(fs.readFileSync(conf, 'utf8')).toBe('patched');
  });
});
