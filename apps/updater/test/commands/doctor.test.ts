import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { interruptedServer } from '../support/interrupted-server.ts';
import { repositoryWith, writesVersion } from '../support/module-files.ts';
import { serverFolder, type ServerFolder } from '../support/server-folder.ts';

interface Found {
  check: string;
  status: string;
  message: string;
  mend: string | null;
}

/** A server with one module, which has a backup. */
async function soundServer(): Promise<ServerFolder> {
  const server = await serverFolder();
  const file = path.join(server.root, 'conf');
  fs.writeFileSync(file, 'mine');
  await server.repository.commit(repositoryWith({ one: { version: '1.0.0', main: writesVersion(file) } }));
  await server.updater('run');
  return server;
}

async function examine(
  server: ServerFolder,
  ...flags: string[]
): Promise<{ exitCode?: number; of: (check: string) => Found }> {
  const { exitCode, answer } = await server.answer('doctor', ...flags);
  const findings = answer.data.findings as Found[];
  expect(answer.ok).toBe(exitCode === 0);
  const of = (check: string): Found => findings.find((one) => one.check === check) as Found;
  return { ...(exitCode === undefined ? {} : { exitCode }), of };
}

/** What a healthy server has, each made wrong for real: what is found, and by which command it is mended. */
const troubles: Record<string, [(server: ServerFolder) => void, Partial<Found> & { says: RegExp }]> = {
  paths: [
    ({ backupDir }) => fs.chmodSync(backupDir, 0o755),
    { status: 'error', says: /backups is open to others/, mend: expect.stringMatching(/^chmod 700 \/.*backups$/) },
  ],
  index: [
    ({ modulesPath }) => fs.writeFileSync(path.join(modulesPath, 'index.json'), '{"packages": {"one": "0.1.0"}}'),
    { status: 'warning', says: /index\.json does not name what is installed/, mend: 'updater recover' },
  ],
  journal: [
    ({ backupDir }) => {
      fs.renameSync(backupDir, `${backupDir}-disk`);
      fs.mkdirSync(backupDir, { mode: 0o700 });
    },
    {
      status: 'error',
      says: /cannot look: .*backups is not the one/,
      mend: expect.stringMatching(/^mount its disk; /),
    },
  ],
  mirror: [
    ({ stateDir }) => fs.rmSync(path.join(stateDir, 'repo/objects'), { recursive: true }),
    {
      status: 'warning',
      says: /the mirror \/.*repo is damaged \(.+\); the next run makes a new one/,
      mend: 'updater check',
    },
  ],
  backups: [
    ({ backupDir, root }) => fs.writeFileSync(path.join(backupDir, `one_backup/files${root}/conf`), 'evil'),
    { status: 'error', says: /the backup of one is damaged: .*conf/, mend: 'make a new one: updater backup one' },
  ],
};

describe('updater doctor', { timeout: 60_000 }, () => {
  it('finds nothing wrong on a server that works, and changes nothing', async () => {
    const server = await soundServer();
    const before = server.contents();
    const { exitCode, of } = await examine(server);
    expect(exitCode).toBe(0);
    for (const check of [
      'paths',
      'clock',
      'git',
      'openssh',
      'lock',
      'journal',
      'mirror',
      'index',
      'backups',
      'package',
    ])
      expect(of(check)).toMatchObject({ status: 'ok', mend: null });
    expect(of('trust')).toMatchObject({ status: 'warning', mend: 'updater trust init KEY.pub' });
    expect(server.contents()).toEqual(before);
  });

  it.each(Object.keys(troubles))('finds what is wrong with %s, and says how it is mended', async (check) => {
    const server = await soundServer();
    const [spoil, { says, ...expected }] = troubles[check] as (typeof troubles)[string];
    spoil(server);
    const { exitCode, of } = await examine(server);
    expect(of(check)).toMatchObject({ ...expected, message: expect.stringMatching(says) });
    expect(exitCode).toBe(expected.status === 'error' ? 3 : 0);
  });

  it('misses git and openssh where they are not', async () => {
    const server = await soundServer();
    const { exitCode, stdout } = await server.start(['doctor'], { environment: { PATH: '/nonexistent' } }).ended;
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/^error +git +git is not there\n +→ apt-get install git$/m);
    expect(stdout).toMatch(/^warning +openssh +.*\n +→ apt-get install openssh-client$/m);
  });

  it('mends with --fix what is safe: an interrupted change, index.json, the mode of the backups', async () => {
    const { server, file } = await interruptedServer();
    fs.writeFileSync(path.join(server.modulesPath, 'index.json'), 'x');
    fs.chmodSync(server.backupDir, 0o755);
    expect((await examine(server)).of('journal')).toMatchObject({ status: 'error', mend: 'updater recover' });
    const { of } = await examine(server, '--fix');
    for (const check of ['journal', 'index', 'paths']) expect(of(check)).toMatchObject({ status: 'ok' });
    expect(fs.readFileSync(file, 'utf8')).toBe('mine');
    expect(server.index()).toEqual({ one: '1.0.0' });
  });

  it('says which repository, signers and settings are missing on a new machine', async () => {
    const server = await serverFolder();
    const environment = { UPDATER_REPO_URL: '', UPDATER_TRUST_REQUIRE: 'signed', UPDATER_CONFIG: '' };
    const without = await server.start(['doctor'], { environment }).ended;
    expect(without.stdout).toMatch(/^error +trust +no repository is set\n +→ put \{"repoUrl"/m);
    const unsigned = await server.start(['doctor'], {
      environment: { UPDATER_TRUST_REQUIRE: 'signed', UPDATER_TRUST_ALLOWED_SIGNERS: `${server.root}/none` },
    }).ended;
    expect(unsigned.stdout).toMatch(
      /^error +trust +signatures are required, but .*none does not exist\n +→ .*updater trust init/m,
    );
    expect(unsigned.exitCode).toBe(3);
  });

  it('names an operation log that is damaged', async () => {
    const server = await soundServer();
    const log = path.join(server.backupDir, 'operations.json');
    fs.writeFileSync(log, '');
    const { answer } = await server.answer('doctor', '--fix');
    expect(answer.data.findings).toContainEqual({
      check: 'backups',
      status: 'error',
      message: expect.stringContaining(`the operation log ${log} cannot be read`),
      mend: expect.stringContaining(`mv ${log} ${log}.damaged`),
      fixable: false,
    });
  });

  it('does not claim that it can mend an open change whose backup is gone', async () => {
    const { server } = await interruptedServer();
    fs.rmSync(path.join(server.backupDir, 'one_backup'), { recursive: true });
    for (const flags of [[], ['--fix']]) {
      const { exitCode, answer } = await server.answer('doctor', ...flags);
      expect(exitCode).toBe(3);
      expect(answer.data.findings).toContainEqual({
        check: 'journal',
        status: 'error',
        message: expect.stringMatching(/there is no backup of one .*\(the change is noted in \/.*\.json\)$/),
        mend: expect.stringMatching(/, after: mv \/.*\.json \/.*\.json\.given-up$/),
        fixable: false,
      });
    }
  });
});
