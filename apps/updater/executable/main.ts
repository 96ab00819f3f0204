import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { unpackProgram } from './unpack-program.ts';

/*
 * What the single executable begins with. It holds the files of one release and its launcher; the processes that a release
 * starts are started as "this executable, a file" (as with Node), and are recognised by the name of that file.
 */

const PROCESS_FILES: ReadonlySet<string> = new Set(['module-host.mjs', 'release-starter.mjs', 'release-checker.mjs']);

void begin(process.argv.slice(2));

/** Whoever may run the updater as root must not thereby run files of their own. */
function isOurs(file: string): boolean {
  if (!path.isAbsolute(file)) return false;
  return [file, path.dirname(file)].every((place) => {
    const stat = fs.lstatSync(place, { throwIfNoEntry: false });
    return stat !== undefined && [0, process.geteuid?.()].includes(stat.uid) && (stat.mode & 0o022) === 0;
  });
}

async function begin(args: readonly string[]): Promise<void> {
  const at = args.findIndex((argument) => !argument.startsWith('--'));
  const file = args[at] ?? '';
  if (PROCESS_FILES.has(path.basename(file)) && isOurs(file)) {
    // Node's own flags come before the file; the executable does not read them itself.
    for (const flag of args.slice(0, at)) if (flag.startsWith('--max-')) setFlagsFromString(flag);
    process.argv.splice(1, at + 1);
    await import(pathToFileURL(file).href);
    return;
  }
  try {
    const { launch } = (await import(pathToFileURL(path.join(unpackProgram(), 'launch.mjs')).href)) as {
      launch: (argv: readonly string[]) => Promise<number>;
    };
    process.exitCode = await launch(args);
  } catch (error) {
    process.stderr.write(`updater: cannot start: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
