import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { makeExecutable, medianStartMs } from '@homeserver/program-build';
import { build } from 'tsup';
import type { PackedProgram } from './executable/unpack-program.ts';

/*
 * Makes build/updater of dist/: one file with Node, the launcher and the release that it was built with.
 */

const root = import.meta.dirname;
const [dist, bundles, output] = ['dist', 'build/executable', 'build/updater'].map((name) => path.join(root, name)) as [
  string,
  string,
  string,
];

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
const files = filesOf(dist);
fs.writeFileSync(program, JSON.stringify(describe(files)));
makeExecutable({ output, main: path.join(bundles, 'main.cjs'), assets: { 'program.json': program, ...files } });
process.stdout.write(
  `${path.relative(process.cwd(), output)}: ${(fs.statSync(output).size / 1e6).toFixed(1)} MB; --version ${medianStartMs(output, ['--version']).toFixed(0)} ms (median of several starts)\n`,
);

/** By name, without the native parts of other kinds of machine. */
function filesOf(directory: string): Record<string, string> {
  const names = fs.readdirSync(directory).sort();
  const wanted = names.filter((name) => !name.startsWith('koffi-') || name === `koffi-${process.arch}.node`);
  return Object.fromEntries(wanted.map((name) => [name, path.join(directory, name)]));
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
