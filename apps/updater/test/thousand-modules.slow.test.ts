import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { repositoryWith } from './support/module-files.ts';
import { serverFolder } from './support/server-folder.ts';

const names = Array.from({ length: 1000 }, (_, at) => `module-${String(at).padStart(3, '0')}`);
const bumped = ['module-000', 'module-500', 'module-999'];

it(
  'a repository of 1,000 modules: all installed and run, side by side too, and of three bumps exactly those three',
  { timeout: 600_000 },
  async () => {
    const server = await serverFolder();
    const ran = path.join(server.root, 'ran');
    const main = `fs.appendFileSync('${ran}', context.name + ' ' + process.pid + '\\n'); return { success: true, changed: false };`;
    const commit = (version: string, of: readonly string[]): Promise<string> =>
      server.repository.commit(repositoryWith(Object.fromEntries(of.map((name) => [name, { version, main }]))));
    /** Which modules have run, and how many of them in each process. */
    const runs = (): { modules: string[]; perProcess: number[] } => {
      const lines = fs.readFileSync(ran, 'utf8').trimEnd().split('\n');
      fs.rmSync(ran);
      const pids = Map.groupBy(lines, (line) => line.split(' ')[1]);
      return {
        modules: lines.map((line) => line.split(' ')[0] ?? ''),
        perProcess: [...pids.values()].map((ofOne) => ofOne.length),
      };
    };
    await commit('1.0.0', names);
    const first = await server.answer('run');
    expect([first.exitCode, first.answer.data.updated.length]).toEqual([0, 1000]);
    expect(runs()).toEqual({ modules: names, perProcess: Array.from({ length: 10 }, () => 100) });
    expect(Object.keys(server.index())).toEqual(names);

    await commit('1.1.0', bumped);
    const second = await server.answer('run', '--jobs', '2');
    expect([second.exitCode, second.answer.data.updated.map(({ name }: { name: string }) => name)]).toEqual([
      0,
      bumped,
    ]);
    const { modules, perProcess } = runs();
    expect([modules.sort(), perProcess.length >= 10, Math.max(...perProcess)]).toEqual([names, true, 100]);
    expect(second.answer.data.modules.map(({ name }: { name: string }) => name)).toEqual(names);
  },
);
