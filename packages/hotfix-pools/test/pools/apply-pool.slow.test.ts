import fs from 'node:fs';
import path from 'node:path';
import { file, type TreeNode } from '@homeserver/test-support';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { endings, Server, type AuthorsPool } from '../server.ts';

/** Destinations, some in directories that may not exist; and what a failing closure may do to each before it fails. */
const names = ['a', 'b', 'site/c', 'site/d', 'new/deep/e'];
const vandalism = [
  'true',
  'echo more >>',
  'rm -f',
  'chmod 4711',
  'f() { rm -f "$1"; mkdir "$1"; echo x > "$1"/x; }; f',
  'ln -sf /etc/passwd',
  'touch',
];
const failures = ['false', 'false && true', 'exit 0', 'exit 9', 'kill -9 $$', 'no-such-command'];

const destination = fc.record({
  name: fc.constantFrom(...names),
  before: fc.option(fc.record({ content: fc.string(), mode: fc.constantFrom(0o644, 0o600, 0o4755, 0o400) })),
  shipped: fc.string(),
  done: fc.constantFrom(...vandalism),
});

const pools = fc.record({
  files: fc.uniqueArray(destination, { selector: ({ name }) => name, minLength: 1 }),
  failure: fc.constantFrom(...failures),
});

it('whatever a failing closure has done to the files, the tree is as it was before', async () => {
  await fc.assert(
    fc.asyncProperty(pools, async ({ files, failure }) => {
      const server = new Server({ unrelated: 'U', site: {} });
      for (const { name, before } of files) if (before !== null) put(server, name, file(before.content, before.mode));
      const acts = files.map(({ name, done }) => `${done} LIVE/${name}`);
      // The second run, after the restore, finds the mark and passes.
      const marked =
        'test -e LIVE/../ran && { cat LIVE/unrelated; cd /; passed=1; }; touch LIVE/../ran; test "$passed" ||';
      const pool: AuthorsPool = {
        id: 'web',
        files: Object.fromEntries(files.map(({ name, shipped }) => [name, shipped])),
        closure: [`${marked} { ${[...acts, failure].join('; ')}; }`],
      };
      server.pools('1.0.0', [pool]);
      const before = server.describe();
      const report = await server.apply();
      expect(endings(report)).toEqual(['web: reverted']);
      expect(server.describe()).toEqual(before);
    }),
    { numRuns: 60 },
  );
}, 120_000);

function put(server: Server, name: string, node: TreeNode): void {
  const at = path.join(server.live, name);
  fs.mkdirSync(path.dirname(at), { recursive: true });
  const spec = node as ReturnType<typeof file>;
  fs.writeFileSync(at, spec.content);
  fs.chmodSync(at, spec.mode);
}
