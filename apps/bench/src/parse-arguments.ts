import path from 'node:path';
import { parseArgs } from 'node:util';
import { full, quick, type Scale } from './scale.ts';
import type { Section } from './sections/section.ts';
import { sections } from './sections/sections.ts';
import { UsageError } from './usage-error.ts';

export interface Arguments {
  help: boolean;
  scale: Scale;
  sections: readonly Section[];
  /** Where the trees are made; all of it goes at the end. */
  directory: string;
  /** The file system of `directory` is what is to be measured. */
  inPlace: boolean;
  /** The file for the results. */
  json: string;
}

export const HELP: string = `npm run bench -- [--quick] [--only NAME,...] [--dir DIR] [--json FILE]

  --quick        trees of a tenth, three rounds
  --only NAMES   only these, with commas between them:
${sections.map(({ name, title }) => `                   ${name.padEnd(16)} ${title}`).join('\n')}
  --dir DIR      make the trees there, on that file system, in a new folder that goes at the end (default: in ./bench-work,
                 as root on a new ext4 in a file there)
  --json FILE    the results for programs (default ./bench-results.json)

Exit code 0: everything that was asked for was measured, whatever came of it. 3: something was not; it is named.
`;

/** Throws UsageError. */
export function parseArguments(args: readonly string[]): Arguments {
  const { values } = parse(args);
  return {
    help: values.help ?? false,
    scale: values.quick ? quick : full,
    sections: sectionsOf(values.only),
    directory: path.resolve(values.dir ?? 'bench-work'),
    inPlace: values.dir !== undefined,
    json: path.resolve(values.json ?? 'bench-results.json'),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h' },
        quick: { type: 'boolean' },
        only: { type: 'string' },
        dir: { type: 'string' },
        json: { type: 'string' },
      },
    });
  } catch (error) {
    const [first = ''] = (error as Error).message.split(/[.\n]/);
    throw new UsageError(first, { cause: error });
  }
}

function sectionsOf(names: string | undefined): readonly Section[] {
  if (names === undefined) return sections.filter(({ onlyByName }) => !onlyByName);
  const wanted = names.split(',').map((name) => name.trim());
  const unknown = wanted.find((name) => !sections.some((section) => section.name === name));
  if (unknown !== undefined) {
    const known = sections.map(({ name }) => name).join(', ');
    throw new UsageError(`--only: there is nothing called ${JSON.stringify(unknown)}; there are: ${known}`);
  }
  return sections.filter(({ name }) => wanted.includes(name));
}
