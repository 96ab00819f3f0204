import type { RawPath } from '@homeserver/system';

const SLASH = 0x2f;

/**
 * Compares two paths in the order in which a tree is walked: names by their bytes, what is in a directory right after it and
 * before its neighbours (`a`, `a/x`, `a-b`). Negative, 0 or positive.
 */
export function comparePaths(one: RawPath, other: RawPath): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at += 1) {
    const [a, b] = [one.charCodeAt(at), other.charCodeAt(at)];
    if (a !== b) return a === SLASH ? -1 : b === SLASH ? 1 : a - b;
  }
  return one.length - other.length;
}
