import { expect, it } from 'vitest';
import { incomingName, isOutgoing, outgoingName, scratchName } from '../../src/databases/beside-names.ts';

const long = `${'x'.repeat(62)}1`;
const names = ['app', long, 'ü'.repeat(31), 'a/b', '_hs_old_'];

it('names beside a live database fit the limit of a server, and say what they are', () => {
  for (const name of names) {
    for (const beside of [scratchName(name), incomingName(name), outgoingName(name)]) {
      expect(Buffer.byteLength(beside), beside).toBeLessThanOrEqual(63);
      expect(beside).toMatch(/^hs_scratch_|_hs_new_|_hs_old_/);
      expect(beside).not.toContain('\ufffd');
    }
  }
});

it('belong to one database alone, also of two that begin alike', () => {
  const other = `${'x'.repeat(62)}2`;
  expect(scratchName(long)).not.toBe(scratchName(other));
  expect(incomingName(long)).not.toBe(incomingName(other));
  expect(isOutgoing(outgoingName(long), long)).toBe(true);
  expect(isOutgoing(outgoingName(long), other)).toBe(false);
  expect(isOutgoing(`${outgoingName(long)}x`, long)).toBe(false);
  expect(isOutgoing('app_hs_old_1', 'app')).toBe(false);
});

it('what is replaced gets a name of its own each time', () => {
  expect(outgoingName('app')).not.toBe(outgoingName('app'));
});
