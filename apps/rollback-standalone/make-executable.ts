import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeExecutable, medianStartMs } from '@homeserver/program-build';

/*
 * Makes build/rollback-standalone of dist/, and says how large it is and how fast it starts.
 */

const dist = path.join(import.meta.dirname, 'dist');
const output = path.join(import.meta.dirname, 'build/rollback-standalone');

makeExecutable({
  output,
  main: path.join(dist, 'main.cjs'),
  assets: { 'koffi.node': path.join(dist, 'koffi.node') },
});
report();

function report(): void {
  const megabytes = (fs.statSync(output).size / 1e6).toFixed(1);
  const empty = fs.mkdtempSync(path.join(os.tmpdir(), 'no-backups-'));
  const starts = [['--version'], ['--list-backups', '--backup-dir', empty]].map(
    (args) => `${args[0]} ${medianStartMs(output, args).toFixed(0)} ms`,
  );
  fs.rmdirSync(empty);
  process.stdout.write(
    `${path.relative(process.cwd(), output)}: ${megabytes} MB; ${starts.join(', ')} (median of several starts)\n`,
  );
}
