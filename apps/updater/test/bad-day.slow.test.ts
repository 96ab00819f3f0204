import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeTree } from '@homeserver/test-support';
import { repositoryWith, writesVersion } from './support/module-files.ts';
import { serverFolder, type ServerFolder } from './support/server-folder.ts';

/** Two modules at 1.0.0; `one` has written its version over a file of the owner. */
async function runningServer(): Promise<{
  server: ServerFolder;
  file: string;
  release: (version: string) => Promise<void>;
}> {
  const server = await serverFolder();
  const file = path.join(server.root, 'conf');
  fs.writeFileSync(file, 'mine');
  const release = async (version: string): Promise<void> => {
    await server.repository.commit(repositoryWith({ one: { version, main: writesVersion(file) }, two: { version } }));
  };
  await release('1.0.0');
  expect((await server.updater('run')).exitCode).toBe(0);
  return { server, file, release };
}

/** The server does what it is for again, and is quiet after that. */
async function expectHealthy(server: ServerFolder, versions: Record<string, string>): Promise<void> {
  expect((await server.updater('run')).exitCode).toBe(0);
  expect(server.index()).toEqual(versions);
  const before = server.contents();
  expect((await server.updater('run')).exitCode).toBe(0);
  expect(server.contents()).toEqual(before);
}

describe('a bad day', { timeout: 120_000 }, () => {
  it.each<[string, (server: ServerFolder) => void]>([
    ['the state directory is deleted', ({ stateDir }) => fs.rmSync(stateDir, { recursive: true })],
    ['the modules path is deleted', ({ modulesPath }) => fs.rmSync(modulesPath, { recursive: true })],
    ['the links are deleted', ({ modulesPath }) => fs.rmSync(path.join(modulesPath, 'modules'), { recursive: true })],
    ['the store is deleted', ({ modulesPath }) => fs.rmSync(path.join(modulesPath, 'store'), { recursive: true })],
    ['a link is deleted', ({ modulesPath }) => fs.unlinkSync(path.join(modulesPath, 'modules/two'))],
    [
      'a module is deleted behind its link',
      (server) => fs.rmSync(path.join(server.modulesPath, 'store', server.entryOf('two') ?? ''), { recursive: true }),
    ],
    [
      'index.json of a module is garbage',
      ({ modulesPath }) => fs.writeFileSync(path.join(modulesPath, 'modules/two/index.json'), '{'),
    ],
    [
      'the global index.json is garbage',
      ({ modulesPath }) => fs.writeFileSync(path.join(modulesPath, 'index.json'), '\0\0\0'),
    ],
    ['the global index.json is gone', ({ modulesPath }) => fs.rmSync(path.join(modulesPath, 'index.json'))],
    ['the mirror is gone', ({ stateDir }) => fs.rmSync(path.join(stateDir, 'repo'), { recursive: true })],
    [
      'the mirror has lost its objects',
      ({ stateDir }) => fs.rmSync(path.join(stateDir, 'repo/objects'), { recursive: true }),
    ],
    ['modules.json is garbage', ({ stateDir }) => fs.writeFileSync(path.join(stateDir, 'modules.json'), 'garbage')],
    [
      'a run record is garbage',
      ({ stateDir }) => fs.writeFileSync(path.join(stateDir, 'runs/20990101T000000Z-ffffff.json'), '{'),
    ],
    [
      'the index of the backups is garbage',
      ({ backupDir }) => fs.writeFileSync(path.join(backupDir, 'module_backups.json'), '{'),
    ],
    ['the note of who held the lock is garbage', ({ stateDir }) => fs.writeFileSync(path.join(stateDir, 'lock'), '\0')],
  ])('on which %s is over with the next run', async (_, happen) => {
    const { server, release } = await runningServer();
    happen(server);
    expect((await server.updater('status')).exitCode).toBeLessThan(2);
    await expectHealthy(server, { one: '1.0.0', two: '1.0.0' });
    await release('1.1.0');
    await expectHealthy(server, { one: '1.1.0', two: '1.1.0' });
  });

  it('on which a module was edited by hand: what the owner wrote runs until the next version', async () => {
    const { server, release } = await runningServer();
    const entry = path.join(server.modulesPath, 'modules/two/index.ts');
    const marker = path.join(server.root, 'edited');
    fs.writeFileSync(entry, fs.readFileSync(entry, 'utf8').replace('{\n', `{ fs.writeFileSync('${marker}', '');\n`));
    await expectHealthy(server, { one: '1.0.0', two: '1.0.0' });
    expect(fs.existsSync(marker)).toBe(true);
    fs.rmSync(marker);
    await release('1.1.0');
    await expectHealthy(server, { one: '1.1.0', two: '1.1.0' });
    expect(fs.existsSync(marker)).toBe(false);
  });

  it('on which the disk of the backups is not mounted: refused, and nothing touched', async () => {
    const { server, release } = await runningServer();
    await release('1.1.0');
    fs.renameSync(server.backupDir, `${server.backupDir}.elsewhere`);
    for (const makeMountPoint of [() => {}, () => fs.mkdirSync(server.backupDir, { mode: 0o700, recursive: true })]) {
      makeMountPoint();
      const before = describeTree(server.modulesPath);
      for (const args of [['run'], ['check'], ['recover'], ['restore', 'one']]) {
        const { exitCode, stderr } = await server.updater(...args);
        expect({ args, exitCode }).toEqual({ args, exitCode: 2 });
        expect(stderr).toMatch(
          /^updater: the backup directory .*backups is not the one that was used before\n {2}mount its disk.*\n$/,
        );
      }
      expect(describeTree(server.modulesPath)).toEqual(before);
    }
    fs.rmSync(server.backupDir, { recursive: true });
    fs.renameSync(`${server.backupDir}.elsewhere`, server.backupDir);
    await expectHealthy(server, { one: '1.1.0', two: '1.1.0' });
  });

  it('on which the clock goes back: a failure of the future holds nothing up, and runs go on', async () => {
    const { server } = await runningServer();
    const marker = path.join(server.root, 'works-now');
    const main = `if (!fs.existsSync('${marker}')) throw new Error('not here'); return { success: true };`;
    await server.repository.commit(repositoryWith({ two: { version: '1.1.0', main } }));
    expect((await server.updater('run')).exitCode).toBe(3);
    const file = path.join(server.stateDir, 'modules.json');
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(/"last_failure": \d+/, '"last_failure": 4000000000'));
    for (const record of fs.readdirSync(path.join(server.stateDir, 'runs')))
      fs.renameSync(
        path.join(server.stateDir, 'runs', record),
        path.join(server.stateDir, 'runs', record.replace(/^\d{4}/, '2096')),
      );
    fs.writeFileSync(marker, '');
    await expectHealthy(server, { one: '1.0.0', two: '1.1.0' });
  });

  it('on which a module deletes the backups: named, its version taken back, and the way on is said', async () => {
    const { server } = await runningServer();
    const main = `fs.rmSync('${server.backupDir}', { recursive: true }); return { success: true };`;
    await server.repository.commit(repositoryWith({ two: { version: '1.1.0', main } }));
    const { exitCode, answer } = await server.answer('run');
    expect(exitCode).toBe(4);
    expect(answer.data.modules[1]).toMatchObject({
      name: 'two',
      status: 'failed',
      rolled_back: { from: '1.1.0', to: '1.0.0' },
    });
    const { stderr } = await server.updater('run');
    const [, record = ''] = /remove (\S+) to start a new one/.exec(stderr) ?? [];
    fs.rmSync(record);
    await expectHealthy(server, { one: '1.0.0', two: '1.0.0' });
  });

  it('on which a module deletes itself and the state of the updater', async () => {
    const { server } = await runningServer();
    const main = `fs.rmSync('${server.stateDir}', { recursive: true });
    fs.rmSync(fs.realpathSync('${server.modulesPath}/modules/two'), { recursive: true });
    return { success: true };`;
    await server.repository.commit(repositoryWith({ two: { version: '1.1.0', main } }));
    await server.updater('run');
    await server.repository.commit(repositoryWith({ two: { version: '1.2.0' } }));
    await expectHealthy(server, { one: '1.0.0', two: '1.2.0' });
  });

  it('on which a link leads somewhere that no update explains: told, left alone, and over when it is right again', async () => {
    const { server, release } = await runningServer();
    await release('1.1.0');
    const link = path.join(server.modulesPath, 'modules/two');
    const intent = {
      format: 1,
      id: 'x',
      kind: 'update',
      switches: [
        {
          name: 'two',
          from: 'two@1.0.0-000000000000',
          to: 'two@1.1.0-000000000000',
          backup_before: null,
          backup_after: null,
          take_over: false,
        },
      ],
    };
    fs.writeFileSync(path.join(server.stateDir, 'replace.json'), JSON.stringify(intent));
    const before = fs.readlinkSync(link);
    const { exitCode, stderr } = await server.updater('run');
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/^updater: .*modules\/two points at .*\n {2}.*replace\.json.*\n$/);
    expect(fs.readlinkSync(link)).toBe(before);
    fs.rmSync(path.join(server.stateDir, 'replace.json'));
    await expectHealthy(server, { one: '1.1.0', two: '1.1.0' });
  });
});
