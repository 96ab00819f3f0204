import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'vitest';
import { leaveOut, whyNoServers } from './describe-on-servers.ts';
import { startServer } from './start-server.ts';

/** What vitest's JSON reporter says of a test file; only what is read here. */
interface FileResult {
  message: string;
  assertionResults: { ancestorTitles: string[]; title: string; status: string; failureMessages: string[] }[];
}

const TIMEOUT_MS = 900_000;
const RESULTS = '/srv/results.json';

/**
 * Runs test files of this package (relative paths, `*.on-server.ts`) on a Debian server of their own, as its root, with this
 * checkout and this Node mounted read-only; each of their tests then stands here, too, with how it ended there. To be awaited
 * at the top of a test file. Where there can be no server, one line on the console says what was left out and why.
 */
export async function testsOnServer(name: string, files: readonly [string, ...string[]]): Promise<void> {
  const reason = await whyNoServers();
  if (reason !== undefined) return leaveOut(name, reason, () => it.todo('runs on a server'));
  const results = await runOnServer(files);
  describe(name, () => results.forEach(declare));
}

function declare({ message, assertionResults }: FileResult): void {
  if (assertionResults.length === 0) it('has tests', () => fail([message || 'the file declares no test']));
  for (const { ancestorTitles, title, status, failureMessages } of assertionResults) {
    it([...ancestorTitles, title].join(' > '), () => {
      if (status !== 'passed') fail([`${status} on the server`, ...failureMessages]);
    });
  }
}

function fail(lines: readonly string[]): never {
  throw new Error(lines.join('\n'));
}

async function runOnServer(files: readonly string[]): Promise<FileResult[]> {
  const { node, shared } = nodeForServers();
  const server = await startServer({ shared });
  try {
    const vitest = path.resolve('../../node_modules/vitest/vitest.mjs');
    const options = '--config ../../vitest.config.ts --configLoader native --no-cache --no-file-parallelism';
    const environment = `CI=true TEST_RESULTS_ON_SERVER=${RESULTS} TMPDIR=/srv/tmp PATH="${path.dirname(node)}:$PATH"`;
    const { exitCode, stdout, stderr } = await server.attempt(
      `mkdir -p /srv/tmp && cd ${process.cwd()} && ${environment} node ${vitest} run ${options} ${files.join(' ')}`,
      { timeoutMs: TIMEOUT_MS },
    );
    const written = path.join(server.root, RESULTS);
    if (!fs.existsSync(written)) throw new Error(`the tests did not run on the server:\n${stdout}${stderr}`);
    if (exitCode !== 0) process.stderr.write(stdout + stderr); // It also shows the differences, which the results lack.
    return (JSON.parse(fs.readFileSync(written, 'utf8')) as { testResults: FileResult[] }).testResults;
  } finally {
    await server.stop();
  }
}

/** What a server must share to run programs of this checkout with this Node; for tests, which run in their package's directory. */
export function nodeForServers(): { node: string; shared: { path: string }[] } {
  const checkout = path.resolve('../..');
  const node = fs.realpathSync(process.execPath);
  const places = node.startsWith(`${checkout}/`) ? [checkout] : [checkout, path.dirname(node)];
  return { node, shared: places.map((place) => ({ path: place })) };
}
