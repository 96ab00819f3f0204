import { telling, type Stage } from '../stage.ts';
import type { Story } from '../story.ts';

const build = `import { pathToFileURL } from 'node:url';
import { appendFileSync } from 'node:fs';
const here = (file) => pathToFileURL(new URL(file, import.meta.url).pathname).href;
const { signIn } = await import(here('auth.mjs'));
const { greeting } = await import(here('custom.mjs'));
appendFileSync(new URL('builds', import.meta.url), signIn(greeting) + '\\n');
`;
const auth = `export const signIn = (greeting) => 'unsafe: ' + greeting('owner');\n`;
const fixedAuth = `export const signIn = (greeting) => 'safe: ' + greeting.format('owner');\n`;
const custom = `// The owner's own greeting.\nexport const greeting = (name) => 'welcome home, ' + name;\n`;

/** Two fixes; the owner's own edit does not build with the first. */
export function hotfixPools(stage: Stage, story: Story): void {
  story.scene('c', 'Two hotfix pools, of which one does not work on this server');
  stage.write('website/auth.mjs', auth, 0o640);
  stage.write('website/custom.mjs', custom);
  stage.write('website/build.mjs', build);
  stage.write('scripts/backup.sh', 'tar -c "$1" > /dev/null # forgets hidden files\n', 0o755);
  const website = stage.at('website');
  const script = stage.at('scripts', 'backup.sh');
  stage.release('hotfix', '1.1.0', {
    index: {
      pools: [
        {
          id: 'website_security_patch',
          description: 'safe sign-in',
          operations: [
            { target: 'src/auth.mjs', destination: `${website}/auth.mjs` },
            { target: 'src/notice.txt', destination: `${website}/legal/notice.txt` },
          ],
          closure: [`cd ${website}`, 'node build.mjs'],
        },
        {
          id: 'backup_script',
          description: 'hidden files too',
          operations: [{ target: 'backup.sh', destination: script }],
          closure: [`sh -n ${script}`, `grep -q hidden ${script}`],
        },
      ],
    },
    files: {
      'src/auth.mjs': fixedAuth,
      'src/notice.txt': 'Sign-in was made safe.\n',
      'src/backup.sh': 'tar -c "$1" "$1"/.[!.]* > /dev/null # hidden files as well\n',
    },
  });
  const { exitCode } = stage.run('updater run --module hotfix', telling);
  story.check('the run reports the failed pool (exit code 3)', exitCode === 3);
  story.check('auth.mjs is back, byte for byte', stage.read('website', 'auth.mjs') === auth);
  story.check('what the pool had added is gone, with its directory', !exists(stage, 'website/legal'));
  story.check(
    'its closure was run again, and the website builds as before',
    stage.read('website', 'builds') === 'unsafe: welcome home, owner\n',
  );
  story.check("the owner's edit was not touched", stage.read('website', 'custom.mjs') === custom);
  story.check('the other pool stays', stage.read('scripts', 'backup.sh').includes('hidden files as well'));
  story.check(
    'the hotfix module itself is kept: a reverted pool is no broken module',
    stage.version('hotfix') === '1.1.0',
  );
}

function exists(stage: Stage, file: string): boolean {
  try {
    stage.read(file);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}
