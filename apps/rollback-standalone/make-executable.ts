import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  architecturesFrom,
  executablePath,
  koffiFor,
  makeExecutable,
  reportExecutable,
} from '@homeserver/program-build';

/*
 * Makes build/rollback-standalone of dist/, and says how large it is and how fast it starts. `--arch` asks for it for other
 * kinds of machine.
 */

const root = import.meta.dirname;
const noBackups = fs.mkdtempSync(path.join(os.tmpdir(), 'no-backups-'));
for (const architecture of architecturesFrom(process.argv.slice(2), 'npm run build:rollback --')) {
  const output = executablePath(root, architecture);
  const assets = { 'koffi.node': koffiFor(architecture).file };
  makeExecutable({ output, main: path.join(root, 'dist/main.cjs'), assets, architecture });
  reportExecutable(output, architecture, [['--version'], ['--list-backups', '--backup-dir', noBackups]]);
}
fs.rmdirSync(noBackups);
