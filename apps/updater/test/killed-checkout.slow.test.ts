import fs from 'node:fs';
import path from 'node:path';
import {
  atEachPoint,
  countCalls,
  describeTree,
  describeUnderSupervision,
  faultPoints,
  killAtCall,
  makeTree,
  type SupervisionOptions,
} from '@homeserver/test-support';
import { expect, it, vi } from 'vitest';
import { moduleFiles, repositoryWith } from './support/module-files.ts';
import { program } from './support/run-updater.ts';
import { serverFolder, type ServerFolder } from './support/server-folder.ts';

vi.setConfig({ testTimeout: 1_200_000 });

const mutable = ['lib', 'state', 'backups'] as const;
const POINTS = 8;

function copyMutable(from: string, to: string): void {
  for (const name of mutable) {
    fs.rmSync(path.join(to, name), { recursive: true, force: true });
    if (fs.existsSync(path.join(from, name)))
      fs.cpSync(path.join(from, name), path.join(to, name), { recursive: true, verbatimSymlinks: true });
  }
}

const how = ({ root, environment }: ServerFolder): SupervisionOptions => ({
  under: mutable.map((name) => path.join(root, name)),
  env: { PATH: process.env['PATH'] ?? '', HOME: root, ...environment },
  alsoExec: true,
  timeoutMs: 300_000,
});

/** Kills `updater ...args` at a sample of its calls, each time on the server as it was; what `judge` finds wrong then. */
async function killed(
  prepare: () => Promise<ServerFolder>,
  args: readonly string[],
  judge: (server: ServerFolder) => Promise<string[]>,
): Promise<string[]> {
  const servers = [await prepare(), await prepare()];
  for (const { root } of servers) copyMutable(root, path.join(root, 'template'));
  const command: [string, ...string[]] = [process.execPath, program, ...args];
  const [first] = servers as [ServerFolder];
  const { calls } = await countCalls(command, how(first));
  expect(calls.length).toBeGreaterThan(50);
  return atEachPoint(faultPoints(calls.length, POINTS), async (n, lane) => {
    const server = servers[lane] ?? first;
    copyMutable(path.join(server.root, 'template'), server.root);
    const { firedAt } = await killAtCall(command, n, how(server));
    const found = await judge(server);
    return found.map((problem) => `killed at call ${n} (${firedAt}): ${problem}`);
  });
}

/** What a reader finds at `modules/one`: the version whose files these are, all of them. */
function versionOf(server: ServerFolder, expected: ReadonlyMap<string, string[]>): string | undefined {
  const files = filesOf(server);
  return [...expected].find(([, of]) => JSON.stringify(of) === JSON.stringify(files))?.[0];
}

function filesOf({ modulesPath }: ServerFolder): string[] {
  const place = path.join(modulesPath, 'modules/one');
  return fs.existsSync(place) ? describeTree(fs.realpathSync(place), { times: false, owners: false }) : ['is missing'];
}

const files = { data: { text: 'x'.repeat(5000) } };

await describeUnderSupervision('killed at any call that changes a file or starts a program,', () => {
  it('a checkout leaves the module exactly old or new, and doing it again makes it whole', async () => {
    const expected = new Map<string, string[]>();
    const prepare = async (): Promise<ServerFolder> => {
      const server = await serverFolder();
      for (const version of ['1.0.0', '1.1.0']) {
        await server.repository.commit(repositoryWith({ one: { version, files } }));
        await server.repository.git('tag', `one-v${version}-20261120`);
        expect((await server.updater('run')).exitCode).toBe(0);
        expected.set(version, filesOf(server));
      }
      return server;
    };
    const judge = async (server: ServerFolder): Promise<string[]> => {
      const found = versionOf(server, expected);
      const again = await server.updater('checkout', 'one', '1.0.0', '--wait', '20');
      const { answer } = await server.answer('status');
      const [one] = answer.data.modules;
      return [
        ...(found === undefined ? ['what is there is neither version'] : []),
        ...(again.exitCode === 0 ? [] : [`again: ${again.stderr}`]),
        ...(versionOf(server, expected) === '1.0.0' && server.index()['one'] === '1.0.0' ? [] : ['it is not at 1.0.0']),
        ...(answer.data.interrupted === false && one.hold?.version === '1.0.0'
          ? []
          : [`status: ${JSON.stringify(answer.data)}`]),
      ];
    };
    expect(await killed(prepare, ['checkout', 'one', '1.0.0'], judge)).toEqual([]);
  });

  it("the first run on the predecessor's server leaves each module exactly old or new, and the next one makes it whole", async () => {
    const expected = new Map<string, string[]>();
    const prepare = async (): Promise<ServerFolder> => {
      const server = await serverFolder();
      const [old, older] = ['1.0.0', '0.9.0'].map((version) => moduleFiles('one', { version, files }));
      makeTree(server.modulesPath, { modules: { one: old ?? {}, 'one.backup': older ?? {} } });
      expected.set('1.0.0', filesOf(server));
      await server.repository.commit(repositoryWith({ one: { version: '1.1.0', files } }));
      return server;
    };
    const judge = async (server: ServerFolder): Promise<string[]> => {
      const found = filesOf(server);
      const next = await server.updater('run', '--wait', '20');
      expected.set('1.1.0', filesOf(server));
      const isWhole = [...expected.values()].some((of) => JSON.stringify(of) === JSON.stringify(found));
      return [
        ...(isWhole ? [] : [`what was there is neither version: ${found.join(', ')}`]),
        ...(next.exitCode === 0 ? [] : [`the next run: ${next.stderr}`]),
        ...(server.index()['one'] === '1.1.0' ? [] : ['it is not at 1.1.0']),
      ];
    };
    expect(await killed(prepare, ['run'], judge)).toEqual([]);
  });
});
