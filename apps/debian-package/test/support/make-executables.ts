import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const apps = path.join(import.meta.dirname, '../../..');

/** Makes the two programs that go into the package, unless they are there and newer than what they are made of. */
export function makeExecutables(): void {
  for (const name of ['updater', 'rollback-standalone']) {
    const app = path.join(apps, name);
    const madeAt = fs.statSync(path.join(app, 'build', name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    const sources = fs.readdirSync(path.join(app, 'dist')).map((file) => path.join(app, 'dist', file));
    if (sources.every((source) => fs.statSync(source).mtimeMs <= madeAt)) continue;
    const { status, stderr } = spawnSync(process.execPath, [path.join(app, 'make-executable.ts')], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`cannot make ${name}: ${stderr}`);
  }
}
