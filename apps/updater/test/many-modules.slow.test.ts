import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { describeTree, file, type TreeNode } from '@homeserver/test-support';
import { moduleFiles } from './support/module-files.ts';
import { serverFolder } from './support/server-folder.ts';

const names = Array.from({ length: 100 }, (_, at) => `module-${String(at).padStart(3, '0')}`);
const bumped = ['module-000', 'module-042', 'module-099'];

/** Plain files, one that may be executed, one in a directory, one of bytes. */
function moduleOf(name: string, version: string, ran: string): { [name: string]: TreeNode } {
  return moduleFiles(name, {
    version,
    main: `fs.appendFileSync('${ran}', context.name + ' ' + context.version + '\\n'); return { success: true, changed: false };`,
    files: {
      'tool.sh': file(`#!/bin/sh\necho ${version}\n`, 0o755),
      data: { 'bytes.bin': new Uint8Array([0, 255, 13, 10, version.charCodeAt(0)]), empty: '' },
    },
  });
}

/** Every file with its mode and content. */
function filesOf(directory: string): string[] {
  return describeTree(directory, { times: false, owners: false }).filter((line) => / file /.test(line));
}

it(
  'a repository of 100 modules: all installed, nothing twice, and of three bumps exactly those three',
  { timeout: 300_000 },
  async () => {
    const server = await serverFolder();
    const ran = path.join(server.root, 'ran');
    const commit = (version: string, of: readonly string[]): Promise<string> =>
      server.repository.commit({ modules: Object.fromEntries(of.map((name) => [name, moduleOf(name, version, ran)])) });
    const runs = (): string[] => {
      const lines = fs.readFileSync(ran, 'utf8').trimEnd().split('\n');
      fs.rmSync(ran);
      return lines;
    };
    const asCommitted = (name: string): void => {
      const committed = filesOf(path.join(server.repository.directory, 'modules', name));
      expect(committed).toHaveLength(5);
      expect(filesOf(fs.realpathSync(path.join(server.modulesPath, 'modules', name)))).toEqual(committed);
    };

    await commit('1.0.0', names);
    const first = await server.answer('run');
    expect({ exitCode: first.exitCode, installed: first.answer.data.updated.length }).toEqual({
      exitCode: 0,
      installed: 100,
    });
    expect(runs()).toEqual(names.map((name) => `${name} 1.0.0`));
    for (const name of names) asCommitted(name);

    const before = server.contents();
    const second = await server.answer('run');
    expect(second.exitCode).toBe(0);
    expect(second.answer.data.updated).toEqual([]);
    expect(server.contents()).toEqual(before);
    expect(runs()).toHaveLength(100);

    const entries = new Map(names.map((name) => [name, server.entryOf(name)]));
    await commit('1.1.0', bumped);
    const third = await server.answer('run');
    expect(third.exitCode).toBe(0);
    expect(third.answer.data.updated).toEqual(bumped.map((name) => ({ name, from: '1.0.0', to: '1.1.0' })));
    expect(names.filter((name) => server.entryOf(name) !== entries.get(name))).toEqual(bumped);
    for (const name of names) asCommitted(name);
    expect(runs()).toEqual(names.map((name) => `${name} ${bumped.includes(name) ? '1.1.0' : '1.0.0'}`));
  },
);
