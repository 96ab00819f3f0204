import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ModuleContext, ModuleMain } from '@homeserver/orchestrator';
import { PermissionManager } from '@homeserver/permissions';
import { StateManager } from '@homeserver/state-manager';
import { runCommand, silentLogger } from '@homeserver/system';
import { describeTree, makeTree, temporaryDirectory } from '@homeserver/test-support';
import { expect, it } from 'vitest';

const shipped = path.join(import.meta.dirname, '..');

interface Installed {
  root: string;
  main: ModuleMain;
  context: ModuleContext;
}

/** The module as a server has it, in a folder of its own, with other pools than the shipped ones if given. */
async function install(pools?: (live: string) => unknown[], finalClosure: string[] = []): Promise<Installed> {
  const root = temporaryDirectory();
  const module = path.join(root, 'modules/hotfix');
  makeTree(root, {
    modules: { hotfix: { src: { greeting: 'hello\n', broken: 'not a greeting\n' } } },
    live: { greeting: 'hi\n' },
    state: {},
  });
  for (const name of ['index.ts', 'index.json']) fs.copyFileSync(path.join(shipped, name), path.join(module, name));
  fs.symlinkSync(path.join(shipped, 'node_modules'), path.join(root, 'node_modules'));
  if (pools !== undefined) {
    const document = { metadata: { schema_version: '1.1.0' }, pools: pools(path.join(root, 'live')), finalClosure };
    fs.writeFileSync(path.join(module, 'index.json'), JSON.stringify(document));
  }
  const { main } = (await import(pathToFileURL(path.join(module, 'index.ts')).href)) as { main: ModuleMain };
  const context: ModuleContext = {
    name: 'hotfix',
    version: '1.1.0',
    log: silentLogger,
    config: {},
    stateDir: path.join(root, 'state'),
    state: new StateManager({ backupDir: path.join(root, 'backups') }),
    once: async () => false,
    permissions: new PermissionManager('hotfix'),
    run: runCommand,
    signal: new AbortController().signal,
    dryRun: false,
    retry: false,
  };
  return { root, main, context };
}

const pool = (id: string, live: string, target: string, destination: string) => ({
  id,
  operations: [{ target: `src/${target}`, destination: path.join(live, destination) }],
  closure: [`cd ${live}`, `grep -Eq '^(hello|hi)$' ${destination}`],
});

it('as shipped, changes nothing', async () => {
  const { root, main, context } = await install();
  const before = describeTree(root);
  expect(await main([], context)).toEqual({ success: true, changed: false, reverted: [], rollbackFailed: [] });
  expect(describeTree(root)).toEqual(before);
});

it('applies the pools of its index.json, and does nothing the second time', async () => {
  const { root, main, context } = await install((live) => [pool('greeting', live, 'greeting', 'greeting')]);
  expect(await main([], context)).toMatchObject({ success: true, changed: true, reverted: [] });
  expect(fs.readFileSync(path.join(root, 'live/greeting'), 'utf8')).toBe('hello\n');
  const before = describeTree(root);
  expect(await main([], context)).toMatchObject({ success: true, changed: false, reverted: [] });
  expect(describeTree(root)).toEqual(before);
});

it('names a pool that was put back, and is no failure itself', async () => {
  const { root, main, context } = await install((live) => [
    pool('bad', live, 'broken', 'greeting'),
    { ...pool('good', live, 'greeting', 'new'), closure: [] },
  ]);
  const result = await main([], context);
  expect(result).toMatchObject({ success: true, changed: true, rollbackFailed: [] });
  expect(result && result.reverted).toEqual([
    "pool bad: reverted: closure line 2 (grep -Eq '^(hello|hi)$' greeting) exited 1",
  ]);
  expect(fs.readFileSync(path.join(root, 'live/greeting'), 'utf8')).toBe('hi\n');
  expect(fs.readFileSync(path.join(root, 'live/new'), 'utf8')).toBe('hello\n');
});

it('changes nothing in a dry run', async () => {
  const { root, main, context } = await install((live) => [pool('greeting', live, 'greeting', 'greeting')]);
  const before = describeTree(root);
  expect(await main([], { ...context, dryRun: true })).toMatchObject({ success: true, changed: false });
  expect(describeTree(root)).toEqual(before);
});

it('can use the example of its README.md: only the source is missing here', async () => {
  const { root, main, context } = await install();
  const example = /```json\n([\s\S]*?)```/.exec(fs.readFileSync(path.join(shipped, 'README.md'), 'utf8'))?.[1] ?? '';
  fs.writeFileSync(path.join(root, 'modules/hotfix/index.json'), example);
  const result = await main([], { ...context, dryRun: true });
  expect(result && result.reverted).toEqual([
    `pool website_login: refused: cannot use ${root}/modules/hotfix/index.json: pools[0].operations[0].target: "src/login.tsx" does not exist in ${root}/modules/hotfix/src`,
  ]);
});
