import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { reasonOf, runCommand, temporaryName } from '@homeserver/system';
import { ensureDebianPackages } from './debian-packages.ts';

const packageRoot = path.join(import.meta.dirname, '..');
const compiled = new Map<string, Promise<string>>();

/**
 * Compiles `faults/<name>.c`, once for each version of it, into this package's `node_modules/.cache` (for a user who may not
 * write there: into a temporary directory, once for each process). As root on a Debian without a compiler it installs one.
 * Returns the program; throws, with the reason, where there can be none.
 */
export function compileTool(name: 'kcsup' | 'program-recorder'): Promise<string> {
  const before = compiled.get(name);
  if (before !== undefined) return before;
  const now = compile(name);
  compiled.set(name, now);
  return now;
}

async function compile(name: string): Promise<string> {
  const source = path.join(packageRoot, 'faults', `${name}.c`);
  const version = createHash('sha256').update(fs.readFileSync(source)).digest('hex').slice(0, 16);
  const cached = path.join(packageRoot, 'node_modules/.cache', `${name}-${version}-${process.arch}`);
  if (fs.existsSync(cached)) return cached;
  const tool = isWritable(path.dirname(cached)) ? cached : path.join(temporaryHome(), name);
  const temporary = path.join(path.dirname(tool), temporaryName());
  let problem = await compileTo(temporary, source);
  if (problem !== undefined && (await ensureDebianPackages(['gcc', 'libc6-dev'])).length === 0) {
    problem = await compileTo(temporary, source);
  }
  if (problem !== undefined) throw new Error(problem);
  fs.renameSync(temporary, tool);
  return tool;
}

function isWritable(directory: string): boolean {
  try {
    fs.mkdirSync(directory, { recursive: true });
    fs.accessSync(directory, fs.constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function temporaryHome(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'homeserver-faults-'));
  process.once('exit', () => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Returns why it failed, or undefined. */
async function compileTo(file: string, source: string): Promise<string | undefined> {
  let problem: string | undefined;
  for (const compiler of ['cc', 'gcc']) {
    try {
      const result = await runCommand([compiler, '-O2', '-o', file, source], { timeoutMs: 120_000 });
      if (result.exitCode === 0) return undefined;
      problem = `${compiler} cannot compile ${source}: ${result.stderr.toString().trim()}`;
    } catch (error) {
      problem ??= `no C compiler: ${reasonOf(error)}`;
    }
  }
  return problem;
}
