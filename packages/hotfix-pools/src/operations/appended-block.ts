import type { AppendOperation } from './operation-document.ts';

/** The names in the two marks of a block. */
export type BlockName = Pick<AppendOperation, 'marker' | 'identifier'>;

interface FoundBlock {
  before: string[];
  content: string[];
  after: string[];
}

/** What stands between the marks of a block, or undefined when it is not there. Throws an Error when one mark is missing. */
export function contentOfBlock(text: string, name: BlockName): string | undefined {
  const found = findBlock(text, name);
  return found === undefined ? undefined : found.content.map((line) => `${line}\n`).join('');
}

/**
 * The text with the block: in its place if it is there already, else at the end. What is around it stays as it is, and a
 * second time nothing changes. A file that did not end with a newline does then.
 */
export function withBlock(text: string, name: BlockName, content: string): string {
  const found = findBlock(text, name);
  const block = [beginOf(name), ...linesOf(content), endOf(name)];
  const { before, after } = found ?? { before: linesOf(text), after: [] };
  return [...before, ...block, ...after].map((line) => `${line}\n`).join('');
}

/** The text without the block, as it would be had it never been added; unchanged when it is not there. */
export function withoutBlock(text: string, name: BlockName): string {
  const found = findBlock(text, name);
  return found === undefined ? text : [...found.before, ...found.after].map((line) => `${line}\n`).join('');
}

function findBlock(text: string, name: BlockName): FoundBlock | undefined {
  const lines = linesOf(text);
  const marks = lines.map((line) => line.trim());
  const begin = marks.indexOf(beginOf(name));
  const end = marks.indexOf(endOf(name));
  if (begin < 0 && end < 0) return undefined;
  if (begin < 0 || end < begin) {
    const lost = begin < 0 ? beginOf(name) : endOf(name);
    throw new Error(`the line "${lost}" is missing or out of place: put it back, or remove the other mark too`);
  }
  return { before: lines.slice(0, begin), content: lines.slice(begin + 1, end), after: lines.slice(end + 1) };
}

function beginOf({ marker, identifier }: BlockName): string {
  return `${marker} BEGIN ${identifier}`.trim();
}

function endOf({ marker, identifier }: BlockName): string {
  return `${marker} END ${identifier}`.trim();
}

/** Without the newline at the end of each; a last line without one counts too. */
function linesOf(text: string): string[] {
  if (text === '') return [];
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}
