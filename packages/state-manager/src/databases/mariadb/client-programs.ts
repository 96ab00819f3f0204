import fs from 'node:fs';
import path from 'node:path';
import { childEnvironment, runCommand } from '@homeserver/system';

/** MariaDB's client programs, or MySQL's: they take the same options, but for a few. */
export interface ClientPrograms {
  client: string;
  dump: string;
  /** The options of `dump` that --help names. */
  dumpOptions: ReadonlySet<string>;
}

/** The first that PATH has; undefined when there are none. */
export async function findClientPrograms(): Promise<ClientPrograms | undefined> {
  const client = findProgram(['mariadb', 'mysql']);
  const dump = findProgram(['mariadb-dump', 'mysqldump']);
  if (client === undefined || dump === undefined) return undefined;
  const help = await runCommand([dump, '--no-defaults', '--help']);
  const options = help.stdout.toString().matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm);
  return { client, dump, dumpOptions: new Set([...options].map(([, name]) => name as string)) };
}

function findProgram(names: readonly string[]): string | undefined {
  const directories = (childEnvironment()['PATH'] ?? '').split(':');
  return names.flatMap((name) => directories.map((one) => path.join(one, name))).find((file) => fs.existsSync(file));
}
