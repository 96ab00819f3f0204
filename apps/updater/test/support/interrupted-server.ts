import fs from 'node:fs';
import path from 'node:path';
import { repositoryWith } from './module-files.ts';
import { serverFolder, type ServerFolder } from './server-folder.ts';

/** The updater was killed while a module was between two halves of a guarded change. */
export async function interruptedServer(): Promise<{ server: ServerFolder; file: string }> {
  const server = await serverFolder();
  const file = path.join(server.root, 'conf');
  fs.writeFileSync(file, 'mine');
  const main = `await context.state.guard('one', { files: ['${file}'] }, async () => {
    fs.writeFileSync('${file}', 'half');
    process.kill(process.ppid, 'SIGKILL');
    await new Promise(() => {});
  });`;
  await server.repository.commit(repositoryWith({ one: { version: '1.0.0', main } }));
  await server.updater('run');
  return { server, file };
}
