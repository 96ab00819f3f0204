import fs from 'node:fs';
import path from 'node:path';
import { makeTree, temporaryDirectory } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { checkRelease } from '../../src/self-update/check-release.ts';
import { isAlive } from '../support.ts';

const GOOD = `export const version = '1.1.0';
export const main = async () => 0;
export const selfCheck = async () => {};
`;

function check(index: string, timeoutMs = 60_000): Promise<string | undefined> {
  const directory = temporaryDirectory();
  makeTree(directory, { 'index.mjs': index });
  return checkRelease({ version: '1.1.0', directory }, { timeoutMs });
}

it('has nothing against a release that loads and finds itself well', async () => {
  expect(await check(GOOD)).toBeUndefined();
});

it.each<[string, string, string]>([
  ['does not parse', 'export const', 'it cannot be loaded: '],
  ['throws when it is loaded', `throw new Error('no luck');`, 'it cannot be loaded: no luck'],
  ['imports what is not there', `import './gone.mjs';`, 'it cannot be loaded: Cannot find module'],
  ['ends the process when it is loaded', 'process.exit(0);', 'its self-check did not come to its end (exit code 0)'],
  ['never settles', 'await new Promise(() => {});', 'its self-check did not come to its end (exit code 13)'],
  [
    'kills itself',
    `process.kill(process.pid, 'SIGKILL'); await new Promise(() => setInterval(() => {}, 1e6));`,
    'killed by SIGKILL',
  ],
  ['is another version', GOOD.replace('1.1.0', '0.9.0'), 'it says that it is 0.9.0'],
  ['has no main', GOOD.replace('const main', 'const more'), 'it exports no function main(argv)'],
  ['has no self-check', GOOD.replace('const selfCheck', 'const more'), 'it exports no function selfCheck()'],
  [
    'is not well',
    GOOD.replace('{}', `{ throw new Error('no native part'); }`),
    'its self-check failed: no native part',
  ],
])('refuses one that %s', async (_, index, why) => {
  expect(await check(index)).toContain(why);
});

it('ends one that hangs, with all that it has started', async () => {
  const flag = path.join(temporaryDirectory(), 'pid');
  const starts = `import { spawn } from 'node:child_process';
import fs from 'node:fs';
const child = spawn('sleep', ['3600'], { detached: true, stdio: 'ignore' });
fs.writeFileSync(${JSON.stringify(flag)}, String(child.pid));
await new Promise(() => setInterval(() => {}, 1000));
`;
  expect(await check(starts, 3000)).toBe('its self-check did not end within 3 s');
  expect(isAlive(Number(fs.readFileSync(flag, 'utf8')))).toBe(false);
});
