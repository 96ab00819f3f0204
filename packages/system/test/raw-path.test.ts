import fs from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  baseName,
  forFs,
  isWithin,
  joinPath,
  type JsonPath,
  parentPath,
  pathFromJson,
  pathToJson,
  type RawPath,
  showPath,
  toRawPath,
} from '../src/raw-path.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

/** What Linux allows as a name: 1 to 255 bytes without NUL and slash, but for the two that every directory has. */
const anyName = fc
  .uint8Array({ minLength: 1, maxLength: 255 })
  .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x0a : byte))))
  .filter((name) => !['.', '..'].includes(name.toString()));

/** Text as people use it for names, so that UTF-8 is not left to chance. */
const anyText = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
  .map((text) => text.replaceAll(/[\0/]/g, '_'));

const throughJson = (raw: RawPath): RawPath => pathFromJson(JSON.parse(JSON.stringify(pathToJson(raw))) as JsonPath);

describe('a name', () => {
  it('of any bytes comes back from the file system through RawPath and JSON as it was', () => {
    const directory = temporaryDirectory();
    fc.assert(
      fc.property(anyName, (name) => {
        const raw = joinPath(toRawPath(directory), toRawPath(name));
        fs.writeFileSync(forFs(raw), '');
        const found = fs.readdirSync(directory, 'buffer');
        fs.unlinkSync(forFs(throughJson(raw)));
        expect(found).toEqual([name]);
        expect(toRawPath(found[0] ?? '')).toBe(toRawPath(name));
        expect(throughJson(raw)).toBe(raw);
        expect(fs.readdirSync(directory)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('in UTF-8 is text in JSON, and any other is base64', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(pathToJson(toRawPath(text))).toBe(text);
      }),
    );
    expect(pathToJson(toRawPath(Buffer.of(0x2f, 0xff)))).toEqual({ base64: 'L/8=' });
    expect(pathToJson(toRawPath(Buffer.of(0xef, 0xbb, 0xbf, 0x61)))).toBe('\u{feff}a');
  });

  it('is shown without anything that could forge a line, and no two names alike', () => {
    const shown = new Map<string, string>();
    fc.assert(
      fc.property(fc.oneof(anyName, anyText), (name) => {
        const raw = toRawPath(name);
        const text = showPath(raw);
        expect(text).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u);
        expect(shown.get(text) ?? raw).toBe(raw);
        shown.set(text, raw);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('showPath', () => {
  it.each([
    ['/etc/nginx/nginx.conf', '/etc/nginx/nginx.conf'],
    ['/srv/Fotos Łódź é', '/srv/Fotos Łódź é'],
    ['/a\nb\x1b[31m\x7f', '/a\\x0ab\\x1b[31m\\x7f'],
    ['/a\\x0a', '/a\\\\x0a'],
    ['/a\u{85}\u{2028}\u{202e}b', '/a\\u0085\\u2028\\u202eb'],
    [Buffer.of(0x2f, 0x85), '/\\x85'],
    [Buffer.of(0x2f, 0x61, 0xff, 0xc3, 0xa9), '/a\\xff\\xc3\\xa9'],
  ])('shows %j as %s', (name, shown) => {
    expect(showPath(toRawPath(name))).toBe(shown);
  });

  it('takes a string that can be no RawPath as the text that it is', () => {
    expect(showPath('/srv/Łódź')).toBe('/srv/Łódź');
  });
});

describe('forFs', () => {
  it('gives plain text where it can, and bytes elsewhere', () => {
    expect(forFs(toRawPath('/a b\n'))).toBe('/a b\n');
    expect(forFs(toRawPath('/é'))).toEqual(Buffer.from('/é'));
    expect(forFs(toRawPath(Buffer.of(0x2f, 0x80)))).toEqual(Buffer.of(0x2f, 0x80));
  });
});

describe('joinPath, parentPath and baseName', () => {
  it('take a path apart and put it together, for any bytes', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const raw = toRawPath(name);
        for (const parent of ['/', '/srv', '/srv/\xff\n'] as RawPath[]) {
          expect(parentPath(joinPath(parent, raw))).toBe(parent);
          expect(baseName(joinPath(parent, raw))).toBe(raw);
        }
      }),
    );
  });

  it('know that the root has neither name nor parent', () => {
    expect(parentPath('/' as RawPath)).toBe('/');
    expect(baseName('/' as RawPath)).toBe('');
  });
});

describe('isWithin', () => {
  it.each([
    ['/srv', '/srv', true],
    ['/srv/www', '/srv', true],
    ['/srv', '/', true],
    ['/', '/', true],
    ['/srv', '/srv/www', false],
    ['/srvother', '/srv', false],
    ['/other', '/srv', false],
  ])('%s within %s: %s', (inner, outer, within) => {
    expect(isWithin(inner, outer)).toBe(within);
  });

  it('agrees with the file system’s idea of relative paths', () => {
    const anyPath = fc.array(fc.constantFrom('a', 'b', 'ab'), { maxLength: 4 }).map((names) => `/${names.join('/')}`);
    fc.assert(
      fc.property(anyPath, anyPath, (inner, outer) => {
        expect(isWithin(inner, outer)).toBe(!path.relative(outer, inner).startsWith('..'));
      }),
    );
  });
});
