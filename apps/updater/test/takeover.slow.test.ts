import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '@homeserver/system';
import { describeTree, makeTree } from '@homeserver/test-support';
import { moduleFiles, repositoryWith } from './support/module-files.ts';
import { until } from './support/run-updater.ts';
import { serverFolder, type ServerFolder } from './support/server-folder.ts';

const names = ['behind', 'current', 'orphaned'];
const observer = path.join(import.meta.dirname, 'support/look-at-modules.ts');

/** A module that notes beside the server that it has run, with its version. */
const telling = ({ root }: ServerFolder, version: string) => ({
  version,
  main: `fs.appendFileSync('${root}/ran', context.name + ' ' + context.version + '\\n'); return { success: true };`,
});

/** A server as the predecessor left it: a directory for each module, a whole copy as backup, one index.json, no store. */
async function predecessorsServer(): Promise<ServerFolder> {
  const server = await serverFolder();
  const at = (name: string, version: string) => moduleFiles(name, telling(server, version));
  makeTree(server.modulesPath, {
    'index.json': JSON.stringify({
      metadata: { schema_version: '1.0.0', channel: 'stable' },
      packages: Object.fromEntries(names.map((name) => [name, '1.0.0'])),
    }),
    modules: {
      behind: { ...at('behind', '1.0.0'), 'owners-note.txt': 'mine' },
      'behind.backup': at('behind', '0.9.0'),
      current: at('current', '1.0.0'),
      orphaned: at('orphaned', '1.0.0'),
    },
  });
  await server.repository.commit(
    repositoryWith({ behind: telling(server, '1.1.0'), current: telling(server, '1.0.0') }),
  );
  return server;
}

/** Who looks at all modules while `act` is done. */
async function observed(server: ServerFolder, act: () => Promise<void>): Promise<{ looks: number; seen: string[] }> {
  const stop = path.join(server.root, 'stop');
  const looking = runCommand([process.execPath, observer, path.join(server.modulesPath, 'modules'), stop, ...names]);
  try {
    await until('somebody looks', () => fs.existsSync(`${stop}.looking`));
    await act();
  } finally {
    fs.writeFileSync(stop, '');
  }
  const { wrong, ...rest } = JSON.parse((await looking).stdout.toString());
  for (const file of [stop, `${stop}.looking`]) fs.rmSync(file);
  expect(wrong).toEqual([]);
  return rest;
}

const ranIn = ({ root }: ServerFolder): string[] => {
  const lines = fs.readFileSync(path.join(root, 'ran'), 'utf8').trimEnd().split('\n');
  fs.rmSync(path.join(root, 'ran'));
  return lines;
};

const filesOf = (directory: string): string[] => describeTree(directory, { times: false, owners: false });

describe("the predecessor's server", { timeout: 120_000 }, () => {
  it('is taken over by the first run, with no instant at which a module is missing or mixed', async () => {
    const server = await predecessorsServer();
    const before = filesOf(path.join(server.modulesPath, 'modules/behind'));
    const { looks, seen } = await observed(server, async () => {
      expect((await server.updater('run')).exitCode).toBe(0);
      expect((await server.updater('run')).exitCode).toBe(0);
    });
    expect(looks).toBeGreaterThan(100);
    expect(seen).toEqual(['behind 1.0.0', 'behind 1.1.0', 'current 1.0.0', 'orphaned 1.0.0']);
    expect(ranIn(server)).toEqual([...Array(2)].flatMap(() => ['behind 1.1.0', 'current 1.0.0', 'orphaned 1.0.0']));
    expect(server.index()).toEqual({ behind: '1.1.0', current: '1.0.0', orphaned: '1.0.0' });
    // What was there is the backup now, as it was, with what the owner had put there.
    expect(filesOf(fs.realpathSync(path.join(server.modulesPath, 'modules/behind.backup')))).toEqual(before);
  });

  it('is taken over likewise after a kill at any moment of that run', async () => {
    for (let ms = 100; ms <= 1000; ms += 300) {
      const server = await predecessorsServer();
      await observed(server, async () => {
        const { child, ended } = server.start(['run']);
        await new Promise((go) => setTimeout(go, ms));
        child.kill('SIGKILL');
        await ended;
        expect((await server.updater('run', '--wait', '20')).exitCode).toBe(0);
      });
      expect(server.index()).toEqual({ behind: '1.1.0', current: '1.0.0', orphaned: '1.0.0' });
    }
  });

  it('can be given back: the old program finds each module and its version where it always was', async () => {
    const server = await predecessorsServer();
    expect((await server.updater('run')).exitCode).toBe(0);
    ranIn(server);
    const modules = path.join(server.modulesPath, 'modules');
    // As the old program reads: a directory for each name, its index.json, and the versions in the global one.
    const found = fs.readdirSync(modules).filter((name) => !name.endsWith('.backup'));
    const versionOf = (name: string): string =>
      JSON.parse(fs.readFileSync(path.join(modules, name, 'index.json'), 'utf8')).metadata.schema_version;
    expect(Object.fromEntries(found.map((name) => [name, versionOf(name)]))).toEqual(server.index());
    for (const name of found) expect(fs.statSync(path.join(modules, name)).isDirectory()).toBe(true);
    const runs = `await (await import('${modules}/behind/index.ts')).main([], { name: 'behind', version: 'by the old one' })`;
    await runCommand([process.execPath, '--input-type=module', '-e', runs]);
    expect(ranIn(server)).toEqual(['behind by the old one']);

    // As its owner makes plain directories of them, to go on without a store.
    const copied = await runCommand(['cp', '-aL', modules, `${modules}.plain`]);
    expect(copied.exitCode).toBe(0);
    fs.rmSync(modules, { recursive: true });
    fs.renameSync(`${modules}.plain`, modules);
    for (const gone of ['store', 'state']) fs.rmSync(path.join(server.modulesPath, gone), { recursive: true });
    fs.rmSync(server.stateDir, { recursive: true });
    expect(found.map(versionOf)).toEqual(['1.1.0', '1.0.0', '1.0.0']);

    await server.repository.commit(repositoryWith({ behind: telling(server, '1.2.0') }));
    await observed(server, async () => expect((await server.updater('run')).exitCode).toBe(0));
    expect(server.index()).toEqual({ behind: '1.2.0', current: '1.0.0', orphaned: '1.0.0' });
  });
});
