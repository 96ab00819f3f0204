import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { file, makeTree } from '@homeserver/test-support';
import { applyModulePermissions, checkModulePermissions } from '../src/module-permissions.ts';
import { lockServer } from '../src/lock-server.ts';
import { home, install, quiet, refusal, type Home } from './support.ts';

function describing(directories: (here: Home) => unknown): Home {
  const here = home();
  makeTree(here.root, { opt: { gogs: file('x', 0o600) } });
  const index = { metadata: { schema_version: '1.0.0' }, config: { directories: directories(here) } };
  install(here, 'gogs', '1.0.0', { 'index.json': JSON.stringify(index), 'index.mjs': quiet });
  return here;
}

const program = (here: Home): string => path.join(here.root, 'opt/gogs');

it('what a module describes is found, and made so under the lock; then nothing differs', async () => {
  const here = describing((where) => ({ bin: { path: program(where), mode: '755' } }));
  const plan = await checkModulePermissions(here.server, 'gogs');
  expect(plan.changes.map((change) => change.path)).toEqual([program(here)]);
  const lock = await lockServer(here.server.paths, { purpose: 'updater run' });
  await expect(applyModulePermissions(here.server, 'gogs')).rejects.toThrow(refusal('locked'));
  lock.release();
  expect((await applyModulePermissions(here.server, 'gogs')).report.success).toBe(true);
  expect(fs.statSync(program(here)).mode & 0o777).toBe(0o755);
  expect(await checkModulePermissions(here.server, 'gogs')).toMatchObject({ changes: [], unchanged: 1 });
});

it('a module that is not here, or describes nothing, is named', async () => {
  const here = describing(() => ({}));
  await expect(checkModulePermissions(here.server, 'gosg')).rejects.toThrow('there is no module "gosg" here');
  await expect(checkModulePermissions(here.server, 'gogs')).rejects.toThrow('module "gogs" describes no permissions');
});
