import fs from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/*
 * `print-test-counts CODE`, at the end of `npm test`: adds up what vitest left in `.test-results.json` of each package, so that
 * the last lines say it all, the failures before the counts. Ends with CODE, that of what came before.
 */
interface TestResults {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  testResults: { name: string; status: string; message: string; assertionResults: TestResult[] }[];
}

interface TestResult {
  status: string;
  fullName: string;
  failureMessages: string[] | null;
}

const LINES_SHOWN = 12;
const root = path.resolve(import.meta.dirname, '../../..');
const files = fs.globSync('{packages,apps,modules}/*/.test-results.json', { cwd: root });
const results = files.map((file) => JSON.parse(fs.readFileSync(path.join(root, file), 'utf8')) as TestResults);

for (const { name, status, message, assertionResults } of results.flatMap((result) => result.testResults)) {
  const file = path.relative(root, name);
  const failed = assertionResults.filter((test) => test.status === 'failed');
  for (const test of failed) printFailure(`${file}: ${test.fullName}`, test.failureMessages?.join('\n') ?? '');
  if (status === 'failed' && failed.length === 0) printFailure(file, message);
}

const sum = (key: 'numPassedTests' | 'numFailedTests' | 'numPendingTests'): number =>
  results.reduce((total, result) => total + result[key], 0);
const skipped = sum('numPendingTests');
process.stdout.write(
  `\n${sum('numPassedTests')} passed, ${sum('numFailedTests')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`,
);
process.exitCode = Number(process.argv[2] ?? 0);

function printFailure(title: string, message: string): void {
  const own = stripVTControlCharacters(message)
    .split('\n')
    .filter((line) => !/^ +at .*(?:node_modules|<anonymous>)/.test(line));
  const lines = own.slice(0, LINES_SHOWN);
  process.stdout.write(`\nFAILED ${title}\n${lines.map((line) => `  ${line}`).join('\n')}\n`);
}
