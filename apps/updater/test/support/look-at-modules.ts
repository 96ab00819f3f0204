import fs from 'node:fs';
import path from 'node:path';

/*
 * A reader of `modules/`, in a process of its own: looks at each of the named modules again and again, each time as a whole,
 * until the file `stop` is there; `stop.looking` is there once it does. Says how often it looked, which versions it saw, and what was missing or mixed.
 */
const [, , modules = '', stop = '', ...names] = process.argv;
const seen = new Set<string>();
const wrong: string[] = [];
let looks = 0;

function lookAt(name: string): void {
  const directory = fs.openSync(path.join(modules, name), fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    const read = (file: string): string => fs.readFileSync(`/proc/self/fd/${directory}/${file}`, 'utf8');
    const [, version = ''] = /"schema_version":"(.*?)"/.exec(read('index.json')) ?? [];
    seen.add(`${name} ${version}`);
    if (!read('index.ts').endsWith(`// ${version}\n`)) wrong.push(`${name} ${version} has another index.ts`);
  } finally {
    fs.closeSync(directory);
  }
}

for (; !fs.existsSync(stop); looks += 1) {
  if (looks === 1) fs.writeFileSync(`${stop}.looking`, '');
  for (const name of names) {
    try {
      lookAt(name);
    } catch (error) {
      wrong.push(String(error));
    }
  }
}
process.stdout.write(JSON.stringify({ looks, seen: [...seen].sort(), wrong: wrong.slice(0, 5) }));
