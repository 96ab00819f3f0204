import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describeTree, makeTree, temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';

const script = path.resolve(import.meta.dirname, '../make-release.ts');

function makeRelease(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
}

describe('npm run build:release', () => {
  it('makes the same release of the same checkout, in place of the one before', () => {
    const output = path.join(temporaryDirectory(), 'orchestrator');
    const first = makeRelease('--output', output, '--release', '3.2.1');
    expect(first).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('updater 3.2.1, ') });
    const before = describeTree(output, { times: false });
    fs.writeFileSync(path.join(output, 'left-over.mjs'), '');
    expect(makeRelease('--output', output, '--release', '3.2.1').status).toBe(0);
    expect(describeTree(output, { times: false })).toEqual(before);
    expect(fs.readdirSync(path.dirname(output))).toEqual(['orchestrator']);
    expect(JSON.parse(fs.readFileSync(path.join(output, 'release.json'), 'utf8'))).toMatchObject({ version: '3.2.1' });
  });

  it('overwrites nothing but a release, and takes no version that is none', () => {
    const output = temporaryDirectory();
    makeTree(output, { mine: 'mine' });
    for (const args of [[], ['--output', output], ['--output', path.join(output, 'new'), '--release', '1.2']]) {
      const { status, stderr } = makeRelease(...args);
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr: expect.stringMatching(/^.+\nusage: npm run build:release .*\n$/),
      });
    }
    expect(fs.readdirSync(output)).toEqual(['mine']);
  });
});
