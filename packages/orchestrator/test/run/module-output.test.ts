import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { formatHostLine, type HostLine } from '../../src/run/host-protocol.ts';
import { ModuleOutput } from '../../src/run/module-output.ts';
import { listener } from '../support.ts';

const nonce = '0123456789abcdef01234567';
const end: HostLine = { kind: 'end', result: { success: true }, leftovers: [] };

/** An output with its two streams; `stop` ends the listening. */
function listening() {
  const { said, ...log } = listener();
  const worker = { stdout: new PassThrough(), stderr: new PassThrough() };
  const output = new ModuleOutput(nonce, log);
  return { output, said, ...worker, stop: output.listenTo(worker) };
}

async function lastWordsOf(stderr: string): Promise<string | undefined> {
  const streams = listening();
  streams.stderr.end(stderr);
  streams.stdout.end();
  await Promise.all([streams.stderr, streams.stdout].map((stream) => stream.resume().toArray()));
  streams.stop();
  return streams.output.lastWords;
}

it('the end is the end on both streams, with all that was said before', async () => {
  const { output, said, stdout, stderr } = listening();
  let isOver = false;
  void output.end.then(() => (isOver = true));
  stdout.write(`${formatHostLine(nonce, { kind: 'begin' })}out${formatHostLine(nonce, end)}`);
  await new Promise((go) => setTimeout(go, 10));
  expect(isOver).toBe(false);
  stderr.write(`err\n${nonce}\n`);
  expect(await output.end).toEqual(end);
  expect(said).toEqual(['info: out', 'warn: err']);
});

it('after that, nothing is listened to any more', async () => {
  const { said, stdout, stop } = listening();
  stdout.write('first\nrest');
  await new Promise((go) => setTimeout(go, 5));
  stop();
  stdout.write('second\n');
  await new Promise((go) => setTimeout(go, 5));
  expect(said).toEqual(['info: first', 'info: rest']);
});

it("what stands on stderr is the module's own once it has begun, however the streams race", async () => {
  const { said, stdout, stderr, stop } = listening();
  stderr.write('early\n');
  await new Promise((go) => setTimeout(go, 5));
  expect(said).toEqual([]);
  stdout.write(formatHostLine(nonce, { kind: 'begin' }));
  stderr.write('late\n');
  await new Promise((go) => setTimeout(go, 5));
  stop();
  expect(said).toEqual(['warn: early', 'warn: late']);
});

it('of a process that ends before that, none of it is', async () => {
  const { output, said, stderr, stop } = listening();
  stderr.write('file:///lib/module-host.mjs:3\n  var a=,b;\n\nSyntaxError: Unexpected token\n');
  await new Promise((go) => setTimeout(go, 5));
  stop();
  expect([said, output.lastWords]).toEqual([[], 'SyntaxError: Unexpected token']);
});

describe('the last words of a process that died', () => {
  it.each<[string, string, string | undefined]>([
    ['none', '', undefined],
    [
      'an uncaught error',
      'file:///x.mjs:3\n  throw e;\n  ^\n\nTypeError: no disk\n    at main (x.mjs:3)\n\nNode.js v24.0.0\n',
      'TypeError: no disk',
    ],
    ['an error with a code', 'x\nError [ERR_X]: no disk\n    at a\n  code: 1\n}\n', 'Error [ERR_X]: no disk'],
    ['an error of a class of its own', 'NoDisk: it is gone\n    at main\n\nNode.js v24.0.0\n', 'NoDisk: it is gone'],
    [
      'a rejection',
      'node:internal\n[UnhandledPromiseRejection: This error originated] {\n  code: 1\n}\n\nNode.js v24.0.0\n',
      '[UnhandledPromiseRejection: This error originated] {',
    ],
    ['the later of two', 'Error: first\nfine again\nError: second\n    at x\n', 'Error: second'],
    [
      'an error of a minified class',
      "a.mjs:1\nx\nS [SystemError]: no disk\n  code: 'io'\n}\n",
      'S [SystemError]: no disk',
    ],
    ['plain text', 'cannot go on\nbye\n', 'bye'],
  ])('%s', async (_, stderr, words) => {
    expect(await lastWordsOf(stderr)).toBe(words);
  });
});
