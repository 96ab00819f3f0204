import { pathToFileURL } from 'node:url';
import { reasonOf, reportStart } from '@homeserver/system';
import type { ReleaseModule } from './release-contract.ts';

/*
 * The process that a release runs in: `release-starter <its index.mjs> <installed program> ...arguments`. It belongs to the
 * version that starts the release, so that it can say what became of it.
 */
const [entry = '', program = '', ...args] = process.argv.slice(2);
process.argv.splice(1, 3, program); // Whoever starts the updater again starts what is installed.
const main = await load();
if (main !== undefined) {
  reportStart();
  process.exitCode = await main(args);
}

async function load(): Promise<ReleaseModule['main'] | undefined> {
  try {
    const release = (await import(pathToFileURL(entry).href)) as Partial<ReleaseModule>;
    if (typeof release.main !== 'function') throw new Error('it exports no function main(argv)');
    return release.main;
  } catch (error) {
    reportStart(`it cannot be loaded: ${reasonOf(error)}`);
    process.exitCode = 1;
    return undefined;
  }
}
