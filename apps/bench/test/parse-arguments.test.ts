import { expect, it } from 'vitest';
import { HELP, parseArguments } from '../src/parse-arguments.ts';
import { sections } from '../src/sections/sections.ts';

it('measures everything on the full trees by default', () => {
  const { scale, sections: wanted } = parseArguments([]);
  expect(scale.name).toBe('full');
  expect(scale.small).toEqual({ files: 50_000, directories: 2000, fileBytes: 4096 });
  expect(wanted.map(({ name }) => name)).toEqual(
    sections.filter(({ onlyByName }) => !onlyByName).map(({ name }) => name),
  );
});

it('measures only what is named', () => {
  const { scale, sections: wanted } = parseArguments(['--quick', '--only', 'first, unchanged']);
  expect(scale.name).toBe('quick');
  expect(new Set(wanted.map(({ name }) => name))).toEqual(new Set(['first', 'unchanged']));
});

it('says what there is when a name is wrong', () => {
  expect(() => parseArguments(['--only', 'frist'])).toThrow(
    /--only: there is nothing called "frist"; there are: .*first/,
  );
});

it('refuses an option that it does not know', () => {
  expect(() => parseArguments(['--fast'])).toThrow("Unknown option '--fast'");
});

it('explains every section in its help', () => {
  for (const { name, title } of sections) expect(HELP).toContain(`${name.padEnd(16)} ${title}\n`);
});
