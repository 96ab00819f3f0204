import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '../..');

/** The single executable; made first if there is none, or if the program was built anew since. */
export function executable(): string {
  const file = path.join(root, 'build/rollback-standalone');
  const madeAt = fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = ['dist/main.cjs', 'dist/koffi.node', 'make-executable.ts'];
  if (sources.some((source) => fs.statSync(path.join(root, source)).mtimeMs > madeAt)) {
    const { status, stderr } = spawnSync(process.execPath, [path.join(root, 'make-executable.ts')], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`cannot make the executable: ${stderr}`);
  }
  return file;
}
