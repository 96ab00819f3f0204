import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { ensureDebianPackages } from '@homeserver/test-support';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildPackage } from '../src/build-package.ts';
import { makeExecutables } from './support/package-to-try.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 900_000 });

const directory = fs.mkdtempSync('/var/tmp/homeserver-package-');
afterAll(() => fs.rmSync(directory, { recursive: true }));

const build = (into: string): string =>
  buildPackage(into, { version: '1.0.0', sourceDate: 1_700_000_000, compression: 'gzip' });

const missing = await ensureDebianPackages(['dpkg', 'lintian']);
if (missing.length > 0) process.stderr.write(`LEFT OUT: the check of the package by lintian: it is not installed\n`);

describe('the Debian package', () => {
  beforeAll(makeExecutables);

  it('is the same for the same sources, byte for byte', () => {
    const [one, two] = ['one', 'two'].map((name) => digestOf(build(path.join(directory, name))));
    expect(one).toBe(two);
  });

  it.skipIf(missing.length > 0)('is what lintian wants, but for the overrides that it names', () => {
    const { stdout, stderr } = spawnSync('lintian', ['--allow-root', '--fail-on', 'error', build(directory)], {
      encoding: 'utf8',
    });
    expect(`${stdout}${stderr}`.split('\n').filter((line) => /^[EW]: /.test(line))).toEqual([]);
  });
});

function digestOf(file: string): string {
  return createHash('sha256').update(fs.readFileSync(file)).digest('hex');
}
