/*
 * C0, DEL and C1 (a terminal obeys them), the two Unicode line separators, and the marks that turn the writing direction
 * (a reader would see another text than the one that is there).
 */
const dangerous = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The text with everything shown that could forge a line or steer a terminal: a newline becomes `\n`, an escape `\x1b`. */
export function escapeControl(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(dangerous, (character) => named[character] ?? escapeCode(character.charCodeAt(0)));
}

function escapeCode(code: number): string {
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
