import { expect, it } from 'vitest';
import { describeRoom } from '../src/describe-room.ts';

it('tells two sizes apart, in bytes if need be', () => {
  const mebibyte = 1024 * 1024;
  expect(describeRoom(12 * mebibyte, 3.14 * mebibyte, ' in /place')).toBe(
    '12.0 MiB are needed in /place, 3.1 MiB are free',
  );
  expect(describeRoom(mebibyte + 2, mebibyte - 1)).toBe('1048578 bytes are needed, 1048575 bytes are free');
});
