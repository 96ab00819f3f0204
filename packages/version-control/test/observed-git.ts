import fs from 'node:fs';
import path from 'node:path';
import { runCommand } from '@homeserver/system';

/** What a real call of git was given. */
export interface GitCall {
  argv: string[];
  environment: Record<string, string>;
  /** The command, e.g. `fetch`. */
  command: string;
}

/**
 * Puts a program named git first in PATH that writes down its arguments and its environment, and then is the real git. Git
 * calls itself by its own path, so these are our calls and no others.
 */
export async function observeGit(directory: string): Promise<{ calls(): GitCall[]; end(): void }> {
  const real = (await runCommand(['/bin/sh', '-c', 'command -v git'])).stdout.toString().trim();
  const log = path.join(directory, 'calls');
  const bin = path.join(directory, 'bin');
  for (const part of [log, bin]) fs.mkdirSync(part);
  const script = `#!/bin/sh\nf=${log}/$(date +%s%N)-$$\nenv -0 > $f.env\nprintf '%s\\0' "$@" > $f.argv\nexec ${real} "$@"\n`;
  fs.writeFileSync(path.join(bin, 'git'), script, { mode: 0o755 });
  const before = process.env['PATH'] ?? '';
  process.env['PATH'] = `${bin}:${before}`;
  const read = (file: string): string[] => fs.readFileSync(path.join(log, file), 'utf8').split('\0').slice(0, -1);
  return {
    calls: () =>
      fs
        .readdirSync(log)
        .filter((file) => file.endsWith('.argv'))
        .sort()
        .map((file) => {
          const argv = read(file);
          const environment = Object.fromEntries(
            read(file.replace('.argv', '.env')).map((line) => line.split(/=(.*)/s)),
          );
          return {
            argv,
            environment,
            command: argv.find((word, at) => !word.startsWith('-') && argv[at - 1] !== '-c') ?? '',
          };
        }),
    end: () => {
      process.env['PATH'] = before;
    },
  };
}
