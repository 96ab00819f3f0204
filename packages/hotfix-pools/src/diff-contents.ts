import { createTwoFilesPatch } from 'diff';

const MAX_BYTES = 1024 * 1024;
const MAX_LINES = 400;

/**
 * A unified diff of a file as it is and as it would be (undefined: it is not there), for people; undefined for no difference.
 * Of files that are no text, or larger than 1 MiB, only the sizes are said; a long diff is cut.
 */
export function diffContents(
  name: string,
  before: Uint8Array | undefined,
  after: Uint8Array | undefined,
): string | undefined {
  const [old, now] = [before ?? new Uint8Array(), after ?? new Uint8Array()];
  const isThereBoth = before !== undefined && after !== undefined;
  if (before === after || (isThereBoth && Buffer.from(old).equals(Buffer.from(now)))) return undefined;
  const texts = [old, now].map(asText);
  const [oldText, newText] = texts;
  if (oldText === undefined || newText === undefined) return `${name}: binary, ${sizeOf(before)} -> ${sizeOf(after)}\n`;
  const patch = createTwoFilesPatch(
    before === undefined ? '/dev/null' : name,
    after === undefined ? '/dev/null' : name,
    oldText,
    newText,
  );
  const lines = patch.slice(patch.indexOf('--- ')).split('\n'); // Before that, a header of another tool.
  if (lines.length <= MAX_LINES) return lines.join('\n');
  return `${lines.slice(0, MAX_LINES).join('\n')}\n... and ${lines.length - MAX_LINES} more lines\n`;
}

function sizeOf(content: Uint8Array | undefined): string {
  return content === undefined ? 'nothing' : `${content.length} bytes`;
}

function asText(bytes: Uint8Array): string | undefined {
  if (bytes.length > MAX_BYTES || bytes.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
