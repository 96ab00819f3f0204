import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hintOfKnown, nearestId, nearestName } from '../src/nearest-name.ts';

const modules = ['adblock', 'album', 'dns', 'website'];

describe('the nearest name', () => {
  it.each<[what: string, asked: string, meant: string | undefined]>([
    ['itself', 'album', 'album'],
    ['a letter that is missing', 'adblok', 'adblock'],
    ['a letter too many', 'allbum', 'album'],
    ['a wrong letter', 'wepsite', 'website'],
    ['letters that have changed places', 'dsn', 'dns'],
    ['two slips in a long name', 'wesbiet', 'website'],
    ['capital letters', 'DNS', 'dns'],
    ['a short name with two slips', 'dxy', undefined],
    ['another word', 'greeting', undefined],
    ['nothing', '', undefined],
  ])('for %s', (_, asked, meant) => {
    expect(nearestName(asked, modules)).toBe(meant);
  });

  it('is none when nothing is known', () => {
    expect(nearestName('adblock', [])).toBeUndefined();
  });

  it('is found whichever third of its letters is wrong', () => {
    const wrong = fc.tuple(
      fc.integer({ min: 0, max: 8 }),
      fc.integer({ min: 0, max: 8 }),
      fc.integer({ min: 0, max: 8 }),
    );
    fc.assert(
      fc.property(wrong, (places) => {
        const asked = [...'permitted'].map((letter, at) => (places.includes(at) ? '#' : letter)).join('');
        expect(nearestName(asked, ['adblock', 'permitted'])).toBe('permitted');
      }),
    );
  });
});

describe('the nearest id', () => {
  const ids = ['3f9c0a1b2c3d', 'abc123def456'];

  it.each<[asked: string, meant: string | undefined]>([
    ['abc123def465', 'abc123def456'],
    ['3f8c', '3f9c0a1b2c3d'],
    ['3f8', undefined],
    ['0000', undefined],
  ])('for %s, of which only the beginning need be given', (asked, meant) => {
    expect(nearestId(asked, ids)).toBe(meant);
  });
});

it('a hint names the nearest, and all that are known', () => {
  expect(hintOfKnown('adblok', ['dns', 'adblock', 'dns'])).toBe('did you mean "adblock"? known are: adblock, dns');
  expect(hintOfKnown('greeting', [], 'there is one of')).toBe('there is one of: none');
});
