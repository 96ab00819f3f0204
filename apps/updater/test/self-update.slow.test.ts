import fs from 'node:fs';
import path from 'node:path';
import { ORCHESTRATOR_VERSION as INSTALLED } from '@homeserver/orchestrator';
import { describe, expect, it } from 'vitest';
import { repositoryWith } from './support/module-files.ts';
import { releaseTree } from './support/releases.ts';
import { serverFolder, type ServerFolder } from './support/server-folder.ts';

/*
 * Real releases, built from this checkout, on a server that has the checkout's own program installed.
 */
const NEXT = '1.1.0';
const log = (server: ServerFolder): string => fs.readFileSync(server.logFile, 'utf8');
const modulesAt = (version: string) => repositoryWith({ one: { version }, two: { version } });
const version = async (server: ServerFolder): Promise<string> => (await server.updater('--version')).stdout.trim();

interface RecordOnDisk {
  proven: string | null;
  previous: string | null;
  unproven?: { version: string; tries: number };
  failed?: { version: string; failures: number; error: string }[];
}

const recordOf = ({ stateDir }: ServerFolder): RecordOnDisk =>
  JSON.parse(fs.readFileSync(path.join(stateDir, 'orchestrator.json'), 'utf8')) as RecordOnDisk;

const releasesOf = ({ modulesPath }: ServerFolder): string[] =>
  fs.readdirSync(path.join(modulesPath, 'orchestrator/releases')).sort();

const currentOf = ({ modulesPath }: ServerFolder): string | undefined => {
  const link = path.join(modulesPath, 'orchestrator/current');
  return fs.existsSync(link) ? fs.readlinkSync(link) : undefined;
};

const metadataOf = ({ modulesPath }: ServerFolder): object =>
  (JSON.parse(fs.readFileSync(path.join(modulesPath, 'index.json'), 'utf8')) as { metadata: object }).metadata;

describe('a release of the updater', () => {
  it('is taken, goes on with the very cycle, and is what every command runs from then on', async () => {
    const server = await serverFolder();
    await server.repository.commit({ ...modulesAt('1.0.0'), ...(await releaseTree({ version: NEXT })) });
    const found = await server.answer('check');
    expect(found.exitCode).toBe(10);
    expect(found.answer.data.orchestrator).toEqual({ version: INSTALLED, available: NEXT, notice: null });

    const { exitCode, answer } = await server.answer('run');
    expect({ exitCode, outcome: answer.data.outcome }).toEqual({ exitCode: 0, outcome: 'ok' });
    expect(answer.data.orchestrator).toEqual({ version: NEXT, from: INSTALLED, available: null, problems: [] });
    expect(answer.data.updated).toHaveLength(2);
    expect(log(server)).toContain('Schema updates needed: 2 modules, orchestrator: True\n');
    expect(log(server).match(/Orchestrator 1\.1\.0 goes on with this cycle/g)).toHaveLength(1);
    expect(server.index()).toEqual({ one: '1.0.0', two: '1.0.0' });
    expect(metadataOf(server)).toEqual({ schema_version: NEXT, channel: 'stable' });
    expect(recordOf(server)).toEqual({ format: 1, proven: NEXT, previous: null, failed: [] });
    expect(currentOf(server)).toBe(`releases/${NEXT}`);

    expect(await version(server)).toBe(NEXT);
    expect((await server.updater('status')).stdout).toContain(`The updater is ${NEXT}.\n`);
    expect((await server.updater('history', answer.data.run)).stdout).toContain(
      `by updater ${NEXT}, updated from ${INSTALLED} in this run\n`,
    );
    expect((await server.updater('check')).exitCode).toBe(0);
    expect((await server.updater('run')).stdout).toContain('orchestrator: False\n');
  });

  it.each(['0.9.0', INSTALLED])('that is %s is not taken', async (older) => {
    const server = await serverFolder();
    await server.repository.commit({ ...modulesAt('1.0.0'), ...(await releaseTree({ version: older })) });
    expect((await server.updater('run')).exitCode).toBe(0);
    expect(fs.existsSync(path.join(server.modulesPath, 'orchestrator'))).toBe(false);
  });

  it('that jumps too many major versions is refused, and modules are updated all the same', async () => {
    const server = await serverFolder();
    await server.repository.commit({ ...modulesAt('1.0.0'), ...(await releaseTree({ version: '99.0.0' })) });
    const { exitCode, stdout } = await server.updater('run');
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/Orchestrator 99\.0\.0 is refused: .*trust\.maxMajorJump is 10/);
    expect(server.index()).toEqual({ one: '1.0.0', two: '1.0.0' });
  });

  it('is not what a run of one module is about', async () => {
    const server = await serverFolder();
    await server.repository.commit({ ...modulesAt('1.0.0'), ...(await releaseTree({ version: NEXT })) });
    expect((await server.updater('run', '--module', 'one')).exitCode).toBe(0);
    expect(await version(server)).toBe(INSTALLED);
  });

  it('holds the lock while it runs, also when the program that started it is killed', async () => {
    const server = await serverFolder();
    const flag = path.join(server.root, 'go-on');
    const waits = `while (!fs.existsSync(${JSON.stringify(flag)})) await new Promise((r) => setTimeout(r, 10)); return { success: true };`;
    const modules = repositoryWith({ one: { version: '1.0.0', main: waits } });
    await server.repository.commit({ ...modules, ...(await releaseTree({ version: NEXT })) });
    const running = server.start(['run']);
    const holder = path.join(server.stateDir, 'lock');
    const isRunning = (): boolean => running.output().stdout.includes('Executing module: one');
    while (!isRunning()) await new Promise((resolve) => setTimeout(resolve, 20));
    const { pid } = JSON.parse(fs.readFileSync(holder, 'utf8')) as { pid: number };
    expect(pid).not.toBe(running.pid);
    running.child.kill('SIGKILL');
    expect((await server.updater('run')).exitCode).toBe(5);
    fs.writeFileSync(flag, '');
    expect((await server.updater('run', '--wait', '60')).exitCode).toBe(0);
    expect(await version(server)).toBe(NEXT);
  });
});

const MIDDLE = `
import fs from 'node:fs';
export { version, selfCheck } from './real.mjs';
export async function main(argv) {
  const link = process.env.UPDATER_MODULES_PATH + '/modules/one';
  setInterval(() => {
    if (fs.existsSync(link)) process.kill(process.pid, 'SIGKILL');
  }, 1);
  return (await import('./real.mjs')).main(argv);
}`;
const real = (names: string, rest: string): string => `export { ${names} } from './real.mjs';\n${rest}`;
const forever = 'new Promise(() => setInterval(() => {}, 1000))';

type Spec = Omit<Parameters<typeof releaseTree>[0], 'version'>;

describe('a release that is refused before it runs', () => {
  it.each<[string, Spec, RegExp]>([
    ['does not parse', { index: 'export const version = ' }, /it cannot be loaded: Unexpected end of input/],
    ['throws on load', { index: `throw new Error('no such luck')` }, /it cannot be loaded: no such luck/],
    ['hangs at load', { index: `await ${forever}` }, /its self-check did not end within 4 s/],
    ['ends the process at load', { index: 'process.exit(0)' }, /did not come to its end \(exit code 0\)/],
    [
      'hangs in its self-check',
      { index: real('version, main', `export const selfCheck = () => ${forever};`) },
      /its self-check did not end within 4 s/,
    ],
    [
      'fails its self-check',
      { index: real('version, main', `export async function selfCheck() { throw new Error('no native part'); }`) },
      /its self-check failed: no native part/,
    ],
    ['exports no main', { index: real('version, selfCheck', '') }, /it exports no function main/],
    ['is older than index.json says', { builtAs: '1.0.5' }, /release\.json says that it is 1\.0\.5/],
    [
      'is older than it says itself',
      { index: real('selfCheck, main', `export const version = '0.9.0';`) },
      /it says that it is 0\.9\.0/,
    ],
    [
      'has a file with another sha256',
      { damage: (directory) => fs.appendFileSync(path.join(directory, 'index.mjs'), '\n') },
      /index\.mjs does not have the sha256 that release\.json says/,
    ],
    [
      'lacks a file',
      { damage: (directory) => fs.rmSync(path.join(directory, 'module-host.mjs')) },
      /module-host\.mjs is missing/,
    ],
    [
      'has a file too many',
      { damage: (directory) => fs.writeFileSync(path.join(directory, 'more.mjs'), '') },
      /more\.mjs is not listed in release\.json/,
    ],
    [
      'has no release.json',
      { damage: (directory) => fs.rmSync(path.join(directory, 'release.json')) },
      /release\.json is missing/,
    ],
  ])('because it %s', async (_, spec, why) => {
    const server = await serverFolder();
    await server.repository.commit({ ...modulesAt('1.0.0'), ...(await releaseTree({ version: NEXT, ...spec })) });
    const first = await server.start(['run'], { environment: { UPDATER_RELEASE_TIMEOUT: '4' } }).ended;
    expect(first.stdout).toMatch(why);
    expect({ exitCode: first.exitCode, stderr: first.stderr }).toEqual({ exitCode: 3, stderr: '' });
    expect(server.index()).toEqual({ one: '1.0.0', two: '1.0.0' });
    expect(recordOf(server)).toMatchObject({ proven: null, failed: [{ version: NEXT, failures: 1 }] });
    expect([releasesOf(server), currentOf(server), await version(server)]).toEqual([[], undefined, INSTALLED]);

    await server.repository.commit(modulesAt('2.0.0'));
    const next = await server.updater('run');
    expect(next.exitCode).toBe(0);
    expect(next.stdout).toMatch(/Orchestrator 1\.1\.0 failed here .*next try after/);
    expect(server.index()).toEqual({ one: '2.0.0', two: '2.0.0' });
    expect((await server.updater('status')).stdout).toMatch(/Its version 1\.1\.0 failed here .*next try after/);
  });
});

describe('a release that fails only when it runs', () => {
  it.each<[string, string, RegExp]>([
    [
      'ends with exit code 0 and does nothing',
      real('version, selfCheck', 'export const main = async () => 0;'),
      /it ended with exit code 0, and had not finished the cycle/,
    ],
    [
      'ends the process',
      real('version, selfCheck', 'export const main = async () => process.exit(0);'),
      /it ended with exit code 0, and had not finished the cycle/,
    ],
    [
      'throws',
      real('version, selfCheck', `export const main = async () => { throw new Error('not today'); };`),
      /it ended with exit code 1, and had not finished the cycle/,
    ],
    ['dies in the middle of the cycle', MIDDLE, /it was ended by SIGKILL/],
  ])('because it %s: the old one finishes the cycle, and it is taken back after three tries', async (_, index, why) => {
    const server = await serverFolder();
    await server.repository.commit({ ...modulesAt('1.0.0'), ...(await releaseTree({ version: NEXT, index })) });
    for (const [at, wanted] of ['1.0.0', '2.0.0', '3.0.0'].entries()) {
      if (at > 0) await server.repository.commit(modulesAt(wanted));
      const { exitCode, stdout } = await server.updater('run');
      expect(stdout).toMatch(why);
      expect(stdout).toContain(`(try ${at + 1} of 3)`);
      expect({ exitCode, index: server.index() }).toEqual({ exitCode: 3, index: { one: wanted, two: wanted } });
      expect(await version(server)).toBe(INSTALLED);
    }
    expect(log(server)).toContain(`orchestrator ${NEXT} did not finish a cycle in 3 tries`);
    expect(recordOf(server)).toMatchObject({ proven: null, failed: [{ version: NEXT, failures: 1 }] });
    expect([releasesOf(server), currentOf(server)]).toEqual([[], undefined]);
    await server.repository.remove('orchestrator');
    await server.repository.commit({ ...modulesAt('4.0.0'), ...(await releaseTree({ version: '1.1.1' })) });
    expect((await server.updater('run')).exitCode).toBe(0);
    expect([server.index(), await version(server)]).toEqual([{ one: '4.0.0', two: '4.0.0' }, '1.1.1']);
  });
});
