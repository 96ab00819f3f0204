import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { checkConfiguredPath, reasonOf } from '@homeserver/system';
import { brokenVersion } from './scenes/broken-version.ts';
import { emergency } from './scenes/emergency.ts';
import { firstInstall } from './scenes/first-install.ts';
import { hotfixPools } from './scenes/hotfix-pools.ts';
import { pulledPlug } from './scenes/pulled-plug.ts';
import { updateOne } from './scenes/update-one.ts';
import { Stage } from './stage.ts';
import { Story } from './story.ts';

/*
 * `npm run demo`: a git repository and a server folder in ./demo-server, and six scenes with the real programs. No root,
 * no network. Exits with 1 when one line of the closing table does not hold.
 */
const startedAt = performance.now();
const story = new Story();
const stage = new Stage(process.argv[2] === undefined ? chooseFolder() : path.resolve(process.argv[2]), story);
story.tell(`The repository is ${stage.repository}, the server is ${stage.server}.`);

firstInstall(stage, story);
updateOne(stage, story);
hotfixPools(stage, story);
brokenVersion(stage, story);
await pulledPlug(stage, story);
emergency(stage, story);

process.exitCode = story.conclude((performance.now() - startedAt) / 1000) ? 0 : 1;

/** `demo-server` in the checkout; in the temp directory where the checkout lies below directories that others own or can write to. */
function chooseFolder(): string {
  const folder = path.resolve('demo-server');
  try {
    checkConfiguredPath(folder);
    return folder;
  } catch (error) {
    process.stdout.write(
      `A server must not lie where others can exchange it, so this one is elsewhere (${reasonOf(error)}).\n`,
    );
    return fs.mkdtempSync(path.join(os.tmpdir(), 'homeserver-demo-'));
  }
}
