import fs from 'node:fs';
import path from 'node:path';
import { withRecordings } from './readme-recordings.ts';
import { recordTerminal } from './record-terminal.ts';

/* `npm run record`: writes into the README what the programs show at a terminal today. */
const file = path.resolve(import.meta.dirname, '../../../../README.md');
fs.writeFileSync(file, withRecordings(fs.readFileSync(file, 'utf8'), recordTerminal()));
process.stdout.write(`Recorded into ${file}\n`);
