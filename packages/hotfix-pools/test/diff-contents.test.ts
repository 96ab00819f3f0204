import { expect, it } from 'vitest';
import { diffContents } from '../src/diff-contents.ts';

const diff = (before: string | undefined, after: string): string | undefined =>
  diffContents('/etc/x', before === undefined ? undefined : Buffer.from(before), Buffer.from(after));

it('a change is shown as a unified diff', () => {
  expect(diff('one\ntwo\n', 'one\nTWO\n')).toBe('--- /etc/x\n+++ /etc/x\n@@ -1,2 +1,2 @@\n one\n-two\n+TWO\n');
});

it('a new file is shown as one', () => {
  expect(diff(undefined, 'one\n')).toBe('--- /dev/null\n+++ /etc/x\n@@ -0,0 +1,1 @@\n+one\n');
});

it('no change is no diff', () => expect(diff('one\n', 'one\n')).toBeUndefined());

it('a file that goes away is shown as one', () => {
  expect(diffContents('/etc/x', Buffer.from('one\n'), undefined)).toBe(
    '--- /etc/x\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-one\n',
  );
});

it('of what is no text, the sizes are said', () => {
  expect(diff('\0', '\0\0')).toBe('/etc/x: binary, 1 bytes -> 2 bytes\n');
  expect(diff(undefined, '\0')).toBe('/etc/x: binary, nothing -> 1 bytes\n');
});

it('a long diff is cut', () => {
  const text = Array.from({ length: 1000 }, (_, at) => `${at}\n`).join('');
  expect(diff('', text)).toMatch(/\n\.\.\. and \d+ more lines\n$/);
});
