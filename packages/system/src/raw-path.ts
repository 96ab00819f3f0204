import { posix } from 'node:path';

declare const rawPath: unique symbol;

/**
 * A path exactly as Linux holds it: bytes without NUL. In memory it is a string with one character per byte (latin1), so
 * that it compares, sorts and keys a Map; `forFs` gives what Node's fs takes. Any file name that Linux allows survives.
 */
export type RawPath = string & { readonly [rawPath]: true };

/** A path in JSON: text when it is UTF-8, else its bytes in base64. */
export type JsonPath = string | { base64: string };

/** From text (UTF-8) or bytes. */
export function toRawPath(path: string | Uint8Array): RawPath {
  if (typeof path === 'string' && /^[\x00-\x7f]*$/.test(path)) return path as RawPath;
  return Buffer.from(path as string).toString('latin1') as RawPath;
}

/** What Node's fs functions take for this path. */
export function forFs(path: RawPath): string | Buffer {
  // oxlint-disable-next-line no-control-regex -- the point is to find bytes outside ASCII
  return /^[\x01-\x7f]*$/.test(path) ? path : Buffer.from(path, 'latin1');
}

/** The bytes as text when they are UTF-8, else undefined. */
function asText(path: RawPath): string | undefined {
  const bytes = Buffer.from(path, 'latin1');
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined;
}

export function pathToJson(path: RawPath): JsonPath {
  return asText(path) ?? { base64: Buffer.from(path, 'latin1').toString('base64') };
}

export function pathFromJson(json: JsonPath): RawPath {
  return toRawPath(typeof json === 'string' ? json : Buffer.from(json.base64, 'base64'));
}

/**
 * For people: control characters and the bytes of a name that is not UTF-8 are escaped, so a name cannot forge a log line.
 * A string with characters beyond one byte is no RawPath, and is shown as the text that it is.
 */
export function showPath(path: RawPath | string): string {
  const escaped = path.replaceAll('\\', '\\\\') as RawPath;
  const text = /[^\x00-\xff]/.test(path) ? escaped : asText(escaped);
  return escapeControls(text ?? escaped.replaceAll(/[\x80-\xff]/g, escapeByte));
}

/** Escapes what could break or forge a line: control characters, line separators, marks that turn the text's direction. */
export function escapeControls(text: string): string {
  return text.replaceAll(/[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, escapeCharacter);
}

/** Above ASCII not as a byte is: the character U+0085 and the byte 0x85 are two names. */
function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x80 ? escapeByte(character) : `\\u${code.toString(16).padStart(4, '0')}`;
}

function escapeByte(byte: string): string {
  return `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

export function joinPath(parent: RawPath, name: string): RawPath {
  return (parent === '/' ? `/${name}` : `${parent}/${name}`) as RawPath;
}

export function parentPath(path: RawPath): RawPath {
  return posix.dirname(path) as RawPath;
}

export function baseName(path: RawPath): string {
  return posix.basename(path);
}

/** True when `path` is `ancestor` itself or lies below it. */
export function isWithin(path: string, ancestor: string): boolean {
  return path === ancestor || path.startsWith(ancestor === '/' ? '/' : `${ancestor}/`);
}
