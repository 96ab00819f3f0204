import { runCommand, showPath, type RawPath } from '@homeserver/system';

/*
 * Node passes arguments as text, and a path is bytes: octal escapes carry them. The underscore keeps the shell from
 * dropping newlines at the end of a name.
 */
const script = `from=$(printf '%b_' "$1") && to=$(printf '%b_' "$2") && exec cp -a -T -- "\${from%_}" "\${to%_}"`;

/** Copies an entry with everything that it has and holds (cp -a); `to` must not exist. */
export async function copyAside(from: RawPath, to: RawPath): Promise<void> {
  const result = await runCommand(['/bin/sh', '-c', script, 'copy-aside', escaped(from), escaped(to)]);
  if (result.exitCode !== 0) throw new Error(`cannot copy it to ${showPath(to)}: ${result.stderr.toString().trim()}`);
}

function escaped(path: RawPath): string {
  return path.replaceAll(/[^]/g, (byte) => `\\0${byte.charCodeAt(0).toString(8).padStart(3, '0')}`);
}
