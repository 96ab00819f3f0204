import { readFileBytes } from './read-file.ts';

/**
 * How to run a script that need not be executable where it lies: its `#!` line as the kernel reads it (execve(2)), else
 * /bin/sh. The words go before the script's path. Throws when the file cannot be read.
 */
export function interpreterOf(script: string): [string, ...string[]] {
  const firstLine = readFileBytes(script, { followLink: false }).subarray(0, 256).toString().split('\n')[0] ?? '';
  const [, interpreter, argument] = /^#!\s*(\/\S+)(?:\s+(.*\S))?\s*$/.exec(firstLine) ?? [];
  if (interpreter === undefined) return ['/bin/sh'];
  return argument === undefined ? [interpreter] : [interpreter, argument];
}
