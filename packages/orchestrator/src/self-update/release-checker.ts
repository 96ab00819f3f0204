import fs from 'node:fs';
import { constants } from 'node:os';
import { pathToFileURL } from 'node:url';
import { dieWithParent, reasonOf } from '@homeserver/system';
import type { ReleaseModule } from '../start/release-contract.ts';
import { GOOD, REPORT_DESCRIPTOR } from './check-release.ts';

/*
 * The process that looks at a release before it may become current: `release-checker <its index.mjs> <version>`. It says on
 * a descriptor of its own what it found; a release that ends the process, or hangs in it, has said nothing.
 */
dieWithParent(constants.signals.SIGKILL);
const [entry = '', version = ''] = process.argv.slice(2);
fs.writeSync(REPORT_DESCRIPTOR, await verdict());
process.exit();

async function verdict(): Promise<string> {
  let release: Partial<ReleaseModule>;
  try {
    release = (await import(pathToFileURL(entry).href)) as Partial<ReleaseModule>;
  } catch (error) {
    return `it cannot be loaded: ${reasonOf(error)}`;
  }
  if (release.version !== version) return `it says that it is ${String(release.version)}`;
  if (typeof release.main !== 'function') return 'it exports no function main(argv)';
  if (typeof release.selfCheck !== 'function') return 'it exports no function selfCheck()';
  try {
    await release.selfCheck();
    return GOOD;
  } catch (error) {
    return `its self-check failed: ${reasonOf(error)}`;
  }
}
