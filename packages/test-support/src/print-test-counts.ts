import fs from 'node:fs';
import path from 'node:path';

/*
 * Run at the end of `npm test`: adds up what vitest left in `.test-results.json` of each package, so that one line says it all.
 */
interface TestResults {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
}

const root = path.resolve(import.meta.dirname, '../../..');
const files = fs.globSync('{packages,apps,modules}/*/.test-results.json', { cwd: root });
const results = files.map((file) => JSON.parse(fs.readFileSync(path.join(root, file), 'utf8')) as TestResults);
const sum = (key: keyof TestResults): number => results.reduce((total, result) => total + result[key], 0);
const skipped = sum('numPendingTests');
process.stdout.write(
  `\n${sum('numPassedTests')} passed, ${sum('numFailedTests')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`,
);
