import fs from 'node:fs';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import { runCommand } from '@homeserver/system';
import { describeTree, file, link, makeTree } from '@homeserver/test-support';
import { globalIndex, links, module, scene, type ModuleFiles, type Scene } from './support.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

/** The modules of a commit as `git archive` writes them; returns where. */
async function archive({ repository, root }: Scene, commit: string): Promise<string> {
  const target = path.join(root, `archive-${commit}`);
  fs.mkdirSync(target, { recursive: true });
  await repository.git('-c', 'tar.umask=022', 'archive', '--output', `${target}.tar`, commit, 'modules');
  const tar = await runCommand(['tar', '-xpf', `${target}.tar`, '-C', target]);
  expect(tar.exitCode).toBe(0);
  return path.join(target, 'modules');
}

const filesOf = (name: string, version: string): ModuleFiles => ({
  ...module(version),
  'run.sh': file(`#!/bin/sh\necho ${name}\n`, 0o755),
  'Ünïcode name': version,
  src: { deep: { 'data.bin': Uint8Array.from({ length: 300 }, (_, at) => (at * name.length) % 256) } },
  'to-data': link('src/deep/data.bin'),
  empty: '',
});

it('100 modules in one batch are byte for byte what the commit has, modes included', async () => {
  const here = await scene();
  const names = Array.from({ length: 100 }, (_, number) => `m${String(number).padStart(2, '0')}`);
  const first = await here.publish(Object.fromEntries(names.map((name) => [name, filesOf(name, '1.0.0')])));
  const { replaced } = await here.cycle();
  expect(replaced).toHaveLength(100);
  expect(globalIndex(here).packages).toEqual(Object.fromEntries(names.map((name) => [name, '1.0.0'])));
  const plain = { times: false, owners: false };
  const expectAllAsIn = (archived: string): void => {
    for (const name of names)
      expect(describeTree(fs.realpathSync(here.at(name)), plain)).toEqual(
        describeTree(path.join(archived, name), plain),
      );
  };
  expectAllAsIn(await archive(here, first));

  const bumped = ['m07', 'm42', 'm99'];
  const second = await here.publish(Object.fromEntries(bumped.map((name) => [name, filesOf(name, '1.1.0')])));
  const next = await here.cycle();
  expect(next.replaced.map(({ name }) => name)).toEqual(bumped);
  expect(next.outcomes.filter(({ status }) => status === 'succeeded')).toHaveLength(100);
  expectAllAsIn(await archive(here, second));
  expect((await here.cycle()).replaced).toEqual([]);
});

const minorVersion = (number: number): ModuleFiles => ({
  ...module(`1.${number}.0`),
  'first.txt': `1.${number}.0`,
  'last.txt': `1.${number}.0`,
});

it('a reader never sees a module missing or mixed, from the predecessor on', async () => {
  const here = await scene();
  makeTree(here.server.paths.modulesPath, { modules: { web: minorVersion(0) } });
  const stop = path.join(here.root, 'stop');
  const reading = runCommand([
    process.execPath,
    path.join(import.meta.dirname, 'fixtures/look.ts'),
    here.at('web'),
    stop,
  ]);
  const last = 12;
  for (let number = 1; number <= last; number += 1) {
    await here.publish({ web: minorVersion(number) });
    await here.cycle();
  }
  fs.writeFileSync(stop, '');
  const { looks, seen, wrong } = JSON.parse((await reading).stdout.toString());
  expect(wrong).toEqual([]);
  expect(looks).toBeGreaterThan(1000);
  expect(seen).toEqual(Array.from({ length: last + 1 }, (_, number) => `1.${number}.0`));
  expect(links(here)).toEqual([`web 1.${last}.0`, `web.backup 1.${last - 1}.0`]);
});
