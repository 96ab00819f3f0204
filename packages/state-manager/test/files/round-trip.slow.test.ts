import fs from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { showPath, type RawPath } from '@homeserver/system';
import { describeTree } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import type { SourceReport } from '../../src/state-source.ts';
import { damage, join, nastyTree, perform, walk, type Found } from '../nasty-tree.ts';
import { captureBackup, otherFileSystem, scene } from '../scene.ts';

/** What a file, a link or a FIFO holds, as far as it could be lost. */
function holdingOf({ path: at, stat }: Found): string {
  if (stat.isSymbolicLink()) return `link ${fs.readlinkSync(at, 'latin1')}`;
  return stat.isFile() ? `file ${fs.readFileSync(at, 'base64')}` : 'fifo';
}

const holdings = (roots: Buffer[]): Map<string, { found: Found; holding: string }> =>
  new Map(
    roots
      .filter((root) => fs.lstatSync(root, { throwIfNoEntry: false }) !== undefined)
      .flatMap(walk)
      .filter(({ stat }) => !stat.isDirectory())
      .map((found) => [found.path.toString('latin1'), { found, holding: holdingOf(found) }]),
  );

const describeAll = (roots: Buffer[]): unknown[] =>
  roots.map((root) =>
    fs.lstatSync(root, { throwIfNoEntry: false }) ? describeTree(root as unknown as string) : 'absent',
  );

function selfAndAncestors(at: string): RawPath[] {
  return at.split('/').map((_, i, parts) => parts.slice(0, i + 1).join('/') as RawPath);
}

type Holdings = ReturnType<typeof holdings>;

function expectNothingLost(damaged: Holdings, now: Holdings, report: SourceReport, backup: string): void {
  const [time] = fs.existsSync(`${backup}/displaced`) ? fs.readdirSync(`${backup}/displaced`) : [];
  for (const [at, { holding }] of damaged) {
    if (now.get(at)?.holding === holding) continue;
    const [kept] = walk(join(`${backup}/displaced/${time}`, Buffer.from(at.slice(1), 'latin1')));
    expect(kept && holdingOf(kept), at).toBe(holding);
    const reported = new Set(report.displaced.map(({ from }) => from));
    expect(
      selfAndAncestors(at).some((one) => reported.has(showPath(one))),
      `${at} in the report`,
    ).toBe(true);
  }
}

function expectInodesKept(original: Holdings, damaged: Holdings, now: Holdings): void {
  for (const [at, before] of original) {
    const between = damaged.get(at);
    const isUntouched =
      between?.found.stat.ino === before.found.stat.ino &&
      between.holding === before.holding &&
      before.found.stat.nlink === 1n &&
      between.found.stat.nlink === 1n;
    if (isUntouched) expect(now.get(at)?.found.stat.ino, at).toBe(before.found.stat.ino);
  }
}

describe('restore(capture(tree)) is the tree', () => {
  it.each([
    ['on the same file system', 200, undefined],
    ['with the backup on another file system', 100, otherFileSystem],
  ])('whatever the tree, and whatever happened to it: %s', { timeout: 600_000 }, async (_, numRuns, elsewhere) => {
    const place = elsewhere?.();
    await fc.assert(
      fc.asyncProperty(nastyTree, damage, fc.boolean(), async (tree, harm, asWhole) => {
        const here = scene();
        const outside = path.join(here.root, 'outside');
        fs.mkdirSync(outside);
        perform(tree, here.live, outside);
        const parts = [...fs.readdirSync(here.live, { encoding: 'buffer' }), Buffer.from('absent'), Buffer.from('a')];
        const roots = asWhole
          ? [Buffer.from(here.live)]
          : [...new Set(parts.map((part) => part.toString('latin1')))].map((part) =>
              join(here.live, Buffer.from(part, 'latin1')),
            );
        const [before, original] = [describeAll(roots), holdings(roots)];

        const backup = captureBackup(here, { paths: roots }, place);
        expect(describeAll(roots)).toEqual(before);
        perform(harm, here.live, outside);
        const damaged = holdings(roots);

        const report = await backup.restore();
        expect(describeAll(roots)).toEqual(before);
        const now = holdings(roots);
        expectNothingLost(damaged, now, report, backup.directory);
        expectInodesKept(original, damaged, now);
        expect(report.warnings).toEqual([]);

        const again = await backup.restore();
        expect(again).toMatchObject({ restored: [], adjusted: [], displaced: [], warnings: [] });
        expect(describeAll(roots)).toEqual(before);
      }),
      { numRuns: Number(process.env['PROPERTY_RUNS'] ?? numRuns) },
    );
  });
});
