import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory, type TreeNode } from '@homeserver/test-support';

const makeRelease = path.join(import.meta.dirname, '../../../../updater/make-release.ts');

/**
 * What a maintainer commits to ship a version of the updater, as `npm run build:release` makes it of this checkout: a tree for
 * `repository.commit`. \`index\`: the source of its index.mjs, in place of the real one, which is \`./real.mjs\` then.
 */
export function releaseTree(version: string, index?: string): { [name: string]: TreeNode } {
  const directory = path.join(temporaryDirectory(), 'orchestrator');
  const made = spawnSync(process.execPath, [makeRelease, '--output', directory, '--release', version], {
    encoding: 'utf8',
  });
  if (made.status !== 0) throw new Error(`cannot make a release: ${made.stderr}`);
  if (index !== undefined) replaceIndex(directory, index);
  const files = fs.readdirSync(directory).map((name) => [name, fs.readFileSync(path.join(directory, name))]);
  return {
    'index.json': `${JSON.stringify({ metadata: { schema_version: version, channel: 'stable' } })}\n`,
    orchestrator: Object.fromEntries(files) as { [name: string]: TreeNode },
  };
}

/** Its manifest agrees: such a release was published by mistake, not damaged on its way. */
function replaceIndex(directory: string, source: string): void {
  const place = (name: string): string => path.join(directory, name);
  fs.renameSync(place('index.mjs'), place('real.mjs'));
  fs.writeFileSync(place('index.mjs'), source);
  const manifest = JSON.parse(fs.readFileSync(place('release.json'), 'utf8')) as { files: Record<string, string> };
  for (const name of ['index.mjs', 'real.mjs'])
    manifest.files[name] = createHash('sha256')
      .update(fs.readFileSync(place(name)))
      .digest('hex');
  fs.writeFileSync(place('release.json'), JSON.stringify(manifest));
}
