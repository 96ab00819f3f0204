import path from 'node:path';
import { expect, it } from 'vitest';
import { endings, Server } from './server.ts';

/* The website pool of the module's documentation, with a real `npm run build` that compiles its components. */

const tsc = path.join(import.meta.dirname, '../node_modules/.bin/tsc');

function website(): Server {
  const server = new Server({
    'package.json': JSON.stringify({
      private: true,
      scripts: { build: `${tsc} --noEmit --strict --jsx preserve --types "" src/components/*.ts` },
    }),
    src: {
      components: {
        'auth.ts': 'export const login = (name: string): string => name;\n',
        'header.ts': "import { login } from './auth.js';\nexport const header = login('owner');\n",
      },
    },
  });
  server.document({
    metadata: { schema_version: '1.1.0' },
    pools: [
      {
        id: 'website_security_patch',
        operations: [
          { target: 'src/auth.ts', destination: `${server.live}/src/components/auth.ts` },
          { target: 'src/login.ts', destination: `${server.live}/src/components/login.ts` },
        ],
        closure: [`cd ${server.live}`, 'npm run build', 'echo restarted >> restarts'],
      },
    ],
  });
  server.source('auth.ts', 'export const login = (name: string, token: string = ""): string => name + token;\n');
  server.source('login.ts', "import { login } from './auth.js';\nexport const page = login('a', 'b');\n");
  return server;
}

it('a security patch is applied where the website builds with it', async () => {
  const server = website();
  expect(endings(await server.apply())).toEqual(['website_security_patch: applied']);
  expect([server.exists('src/components/login.ts'), server.read('restarts')]).toEqual([true, 'restarted\n']);
});

it("it is put back where an owner's edit keeps the website from building, which then builds as before", async () => {
  const server = website();
  server.write(
    'src/components/header.ts',
    "import { logIn } from './auth.js';\nexport const header = logIn('mine');\n",
  );
  server.write('src/components/auth.ts', 'export const logIn = (name: string): string => name;\n');
  const before = server.describe().filter((line) => !line.includes('restarts'));
  const report = await server.apply();
  expect(endings(report)).toEqual(['website_security_patch: reverted']);
  expect(report.pools[0]?.reason).toMatch(/^closure line 2 \(npm run build\) exited/);
  expect(report.pools[0]?.closureAfterRestore?.ok).toBe(true);
  expect(server.describe().filter((line) => !line.includes('restarts'))).toEqual(before);
});
