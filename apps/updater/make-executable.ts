import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {
  architecturesFrom,
  executablePath,
  koffiFor,
  makeExecutable,
  reportExecutable,
  type Architecture,
} from '@homeserver/program-build';
import { build } from 'tsup';
import type { PackedProgram } from './executable/unpack-program.ts';

/*
 * Makes build/updater of dist/: one file with Node, the launcher and the release that it was built with. `--arch` asks for it
 * for other kinds of machine.
 */

const root = import.meta.dirname;
const architectures = architecturesFrom(process.argv.slice(2), 'node apps/updater/make-executable.ts');
const dist = path.join(root, 'dist');
for (const architecture of architectures) await make(architecture);

async function make(architecture: Architecture): Promise<void> {
  const output = executablePath(root, architecture);
  const bundles = path.join(path.dirname(output), 'executable');
  fs.mkdirSync(bundles, { recursive: true });
  await build({
    entry: { main: path.join(root, 'executable/main.ts') },
    outDir: bundles,
    format: ['cjs'],
    target: 'node24',
    platform: 'node',
    removeNodeProtocol: false, // node:sea has no other name.
    config: false,
    silent: true,
  });
  const program = path.join(bundles, 'program.json');
  const files = filesOf(dist, architecture);
  fs.writeFileSync(program, JSON.stringify(describe(files)));
  const assets = { 'program.json': program, ...files };
  makeExecutable({ output, main: path.join(bundles, 'main.cjs'), assets, architecture });
  reportExecutable(output, architecture, [['--version']]);
}

/** By name, with the native part of one kind of machine. */
function filesOf(directory: string, architecture: Architecture): Record<string, string> {
  const names = fs.readdirSync(directory).sort();
  const portable = names.filter((name) => !name.endsWith('.node'));
  return {
    ...Object.fromEntries(portable.map((name) => [name, path.join(directory, name)])),
    [`koffi-${architecture}.node`]: koffiFor(architecture).file,
  };
}

function describe(parts: Readonly<Record<string, string>>): PackedProgram {
  const hash = createHash('sha256');
  const sizes: Record<string, number> = {};
  for (const [name, file] of Object.entries(parts)) {
    const content = fs.readFileSync(file);
    hash.update(`${name}\0${content.length}\0`).update(content);
    sizes[name] = content.length;
  }
  return { id: hash.digest('hex').slice(0, 16), files: sizes };
}
