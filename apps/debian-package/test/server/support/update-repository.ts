import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createRepository, type GitRepository, type Server, type TreeNode } from '@homeserver/test-support';
import { afterAll } from 'vitest';

const places: string[] = [];
afterAll(() => {
  for (const place of places) fs.rmSync(place, { recursive: true });
});

/** The repository of a maintainer, on the maintainer's machine; it stays for all tests of a file. */
export function maintainersRepository(): Promise<GitRepository> {
  const place = fs.mkdtempSync(path.join(os.tmpdir(), 'homeserver-maintainer-'));
  places.push(place);
  return createRepository(path.join(place, 'updates'));
}

/** Puts what the maintainer has committed where it can be pulled from: a bare repository on a server, of its user git or root. */
export async function push(repository: GitRepository, server: Server, to: string, owner = 'root'): Promise<void> {
  const bare = path.join(path.dirname(repository.directory), 'bare');
  fs.rmSync(bare, { recursive: true, force: true });
  await repository.git('clone', '-q', '--bare', repository.directory, bare);
  await server.run(`rm -rf ${to}`);
  await server.copyIn(bare, to);
  await server.run(`chown -R ${owner}: ${to}`);
}

interface ModuleSource {
  version: string;
  /** The body of `main(args, context)`; `fs` is Node's. */
  main: string;
  metadata?: Record<string, unknown>;
}

/** The two files of a module, for `repository.commit({ modules: { name: ... } })`. */
export function moduleTree(name: string, { version, main, metadata }: ModuleSource): { [name: string]: string } {
  return {
    'index.json': `${JSON.stringify({ metadata: { schema_version: version, name, ...metadata } })}\n`,
    'index.ts': `import fs from 'node:fs';\nexport async function main(_: string[], context: any) {\n${main}\n}\n`,
  };
}

/** The module of this checkout that carries hotfix pools, with its own index and files below `src/`. */
export function hotfixTree(index: object, files: { [name: string]: string }): { [name: string]: TreeNode } {
  const module = path.join(import.meta.dirname, '../../../../../modules/hotfix');
  return {
    'index.json': `${JSON.stringify(index)}\n`,
    'index.ts': fs.readFileSync(path.join(module, 'index.ts'), 'utf8'),
    src: files,
  };
}
