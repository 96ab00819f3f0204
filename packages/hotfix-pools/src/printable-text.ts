import { reasonOf } from '@homeserver/system';

/** Text of an author's file or a command's output for a log line: control characters are escaped, so it cannot forge one. */
export function printable(text: string): string {
  return text.replaceAll(
    /[\x00-\x1f\x7f-\x9f\u2028\u2029]/g,
    (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** Why something failed, in one printable line. */
export function printableReason(error: unknown): string {
  return printable(reasonOf(error));
}
