import path from 'node:path';
import { parseArgs } from 'node:util';

const debianNames = { arm64: 'arm64', x64: 'amd64' } as const;

/** The kinds of machine that programs are made for, by the names that Node has for them. */
export type Architecture = keyof typeof debianNames;
export const ARCHITECTURES: readonly Architecture[] = ['arm64', 'x64'];

/** Throws on a kind of machine that programs are not made for. */
export function thisArchitecture(): Architecture {
  const found = ARCHITECTURES.find(isThisMachine);
  if (found === undefined) throw new Error(`programs are made for amd64 and arm64, and this is ${process.arch}`);
  return found;
}

export function isThisMachine(architecture: Architecture): boolean {
  return architecture === process.arch;
}

export function debianName(architecture: Architecture): string {
  return debianNames[architecture];
}

/** Where the executable of an app is made: `build/<app>` for this kind of machine, `build/<Debian's name>/<app>` for others. */
export function executablePath(app: string, architecture: Architecture): string {
  const name = path.basename(app);
  return path.join(app, 'build', ...(isThisMachine(architecture) ? [] : [debianName(architecture)]), name);
}

/**
 * What `--arch amd64`, `--arch arm64`, both, or `--arch all` ask for; nothing asks for this kind of machine. Arguments that
 * cannot be meant end this process with exit code 2, and one line that says why.
 */
export function architecturesFrom(args: readonly string[], command: string): Architecture[] {
  try {
    const { values } = parseArgs({ args: [...args], options: { arch: { type: 'string', multiple: true } } });
    const names = values.arch ?? [debianNames[thisArchitecture()]];
    const asked = new Set(names.flatMap((name) => (name === 'all' ? ARCHITECTURES : [architectureNamed(name)])));
    return ARCHITECTURES.filter((architecture) => asked.has(architecture));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nusage: ${command} [--arch amd64|arm64|all]...\n`);
    process.exit(2);
  }
}

function architectureNamed(name: string): Architecture {
  const found = ARCHITECTURES.find((architecture) => debianNames[architecture] === name);
  if (found === undefined) throw new Error(`--arch: there is no Node for ${JSON.stringify(name)} here`);
  return found;
}
