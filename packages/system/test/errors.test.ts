import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errnoName, ioError, isShortage, reasonOf, SystemError } from '../src/errors.ts';

/** The error that `act` throws. */
function thrownBy(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

/** As Node reports an errno that libuv has no name for. */
const unnamed = (errno: number): Error =>
  Object.assign(new Error(`Unknown system error ${errno}: Unknown system error ${errno}, write`), {
    errno,
    code: `Unknown system error ${errno}`,
  });

describe('SystemError', () => {
  it('carries code, cause and hint', () => {
    const cause = new Error('why');
    const error = new SystemError('lock-held', 'held', { cause, hint: 'wait' });
    expect(error).toMatchObject({ name: 'SystemError', code: 'lock-held', message: 'held', hint: 'wait', cause });
    expect(error).toBeInstanceOf(Error);
    expect(new SystemError('io', 'x')).not.toHaveProperty('cause');
  });

  it('has a message of one line, whatever it names', () => {
    expect(new SystemError('io', 'cannot write /a\nb\x1b[2K: why').message).toBe('cannot write /a\\x0ab\\x1b[2K: why');
  });
});

describe('reasonOf', () => {
  it('tells the messages of an error and its causes, in one line', () => {
    const cause = new Error('second\r\n   line', { cause: new Error('the bottom') });
    expect(reasonOf(new Error('first\n\nline', { cause }))).toBe('first line: second line: the bottom');
  });

  it('does not repeat what was said already', () => {
    const missing = thrownBy(() => fs.readFileSync('/missing'));
    expect(reasonOf(new Error(`cannot read: ${missing.message}`, { cause: missing }))).toBe(
      "cannot read: ENOENT: no such file or directory, open '/missing'",
    );
  });

  it('names what Node has no name for', () => {
    expect(reasonOf(unnamed(-122))).toBe('EDQUOT: disk quota exceeded');
    const withPath = Object.assign(unnamed(-122), { syscall: 'open', path: '/etc/one' });
    expect(reasonOf(withPath)).toBe("EDQUOT: disk quota exceeded, open '/etc/one'");
    expect(reasonOf(new Error('cannot write', { cause: unnamed(-117) }))).toBe(
      'cannot write: EUCLEAN: structure needs cleaning',
    );
  });

  it('takes anything that can be thrown, also a chain without an end', () => {
    expect(reasonOf('text')).toBe('text');
    expect(reasonOf(null)).toBe('null');
    const circle = new Error('circle');
    circle.cause = new Error('other', { cause: circle });
    expect(reasonOf(circle)).toBe('circle: other');
  });
});

describe('errnoName', () => {
  it('is the name of a file system error, also below a SystemError', () => {
    const missing = thrownBy(() => fs.readFileSync('/missing'));
    expect(errnoName(missing)).toBe('ENOENT');
    expect(errnoName(ioError('read', '/missing', missing))).toBe('ENOENT');
    expect(errnoName(unnamed(-122))).toBe('EDQUOT');
  });

  it('is undefined for any other error', () => {
    expect(errnoName(thrownBy(() => fs.readFileSync('a\0b')))).toBeUndefined();
    expect(errnoName(new SystemError('lock-held', 'held'))).toBeUndefined();
    expect(errnoName(unnamed(-9999))).toBeUndefined();
    expect(errnoName('ENOENT')).toBeUndefined();
  });
});

describe('ioError', () => {
  it('says what cannot be done to which path, and why, and keeps the cause', () => {
    const cause = unnamed(-122);
    expect(ioError('write', '/var/file', cause)).toMatchObject({
      code: 'io',
      message: 'cannot write /var/file: EDQUOT: disk quota exceeded',
      cause,
    });
  });
});

describe('isShortage', () => {
  it('knows a full disk, which may be over the next time, from a mistake that stays, also as a cause', () => {
    const full = thrownBy(() => fs.writeFileSync('/dev/full', 'x'));
    expect(isShortage(full)).toBe(true);
    expect(isShortage(new Error('cannot write', { cause: ioError('write', '/dev/full', full) }))).toBe(true);
    expect(isShortage(thrownBy(() => fs.writeFileSync('/no/such/directory', 'x')))).toBe(false);
    expect(isShortage('ENOSPC')).toBe(false);
  });
});
