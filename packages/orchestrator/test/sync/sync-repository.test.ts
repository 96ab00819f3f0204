import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { silentLogger } from '@homeserver/system';
import { link } from '@homeserver/test-support';
import { syncRepository } from '../../src/sync/sync-repository.ts';
import { module, refusal, scene } from '../support.ts';

it('fetches once, and then only what is new', async () => {
  const { repository, publish, server } = await scene();
  const sync = () => syncRepository(server.paths, { url: repository.url, branch: 'main' }, { logger: silentLogger });
  const first = await publish({ web: module('1.0.0') });
  expect(await sync()).toMatchObject({ tip: { commit: first, signed: false }, fetched: true });
  expect(await sync()).toMatchObject({ tip: { commit: first }, fetched: false });
  const second = await publish({ web: module('1.1.0') });
  const { tip, content } = await sync();
  expect([tip.commit, content.modules.get('web')?.index.schemaVersion]).toEqual([second, '1.1.0']);
});

it('takes a repository that holds nothing but odd things, and offers nothing', async () => {
  const { repository, server } = await scene();
  await repository.commit({ modules: { 'to-etc': link('/etc'), 'README.md': '' } });
  const { content } = await syncRepository(
    server.paths,
    { url: repository.url, branch: 'main' },
    { logger: silentLogger },
  );
  expect([content.modules.size, content.problems]).toEqual([0, []]);
});

it.each<[string, string, string, Error]>([
  ['an unreachable repository', 'file:///gone/nowhere', 'main', refusal('unreachable')],
  ['a URL that is not allowed', 'ext::sh -c true', 'main', refusal('untrusted')],
  ['a branch that is no name', '', '-x', refusal('usage')],
])('%s is an error with its own code, and no secret in it', async (_, url, branch, error) => {
  const { repository, server, publish } = await scene();
  await publish({ web: module('1.0.0') });
  await expect(
    syncRepository(server.paths, { url: url || repository.url, branch }, { logger: silentLogger }),
  ).rejects.toThrow(error);
});

it("a mirror directory that is somebody else's is refused, and left alone", async () => {
  const { repository, server, publish } = await scene();
  await publish({ web: module('1.0.0') });
  fs.mkdirSync(server.paths.localRepo, { recursive: true });
  const file = path.join(server.paths.localRepo, 'notes.txt');
  fs.writeFileSync(file, 'mine');
  await expect(
    syncRepository(server.paths, { url: repository.url, branch: 'main' }, { logger: silentLogger }),
  ).rejects.toThrow(refusal('unreachable', /holds something else/));
  expect(fs.readdirSync(server.paths.localRepo)).toEqual(['notes.txt']);
});
