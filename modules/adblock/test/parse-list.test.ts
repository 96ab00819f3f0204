import { describe, expect, it } from 'vitest';
import { parseList, toDomain } from '../src/parse-list.ts';

describe('parseList', () => {
  it.each([
    ['a hosts line', '0.0.0.0 ads.example', ['ads.example']],
    ['a hosts line of another kind', '127.0.0.1\tads.example', ['ads.example']],
    ['an IPv6 hosts line', ':: ads.example', ['ads.example']],
    ['several names on a hosts line', '0.0.0.0 ads.example track.example # both', ['ads.example', 'track.example']],
    ['a plain domain', 'ads.example', ['ads.example']],
    ['an adblock rule', '||ads.example^', ['ads.example']],
    ['spaces around', '  ads.example \t', ['ads.example']],
    ['capitals', 'ADS.Example', ['ads.example']],
    ['a final dot', 'ads.example.', ['ads.example']],
    ['an international name', '0.0.0.0 würbung.example', ['xn--wrbung-3ya.example']],
    ['an underscore', '_track.ads.example', ['_track.ads.example']],
  ])('takes %s', (_what, line, domains) => {
    expect(parseList(line)).toEqual(domains);
  });

  it.each([
    ['comments', '# ads.example\n! ads.example\n[Adblock Plus 2.0]\n   # ads.example'],
    ['empty lines', '\n\n   \n'],
    [
      'this machine',
      '127.0.0.1 localhost\n::1 localhost ip6-localhost\n127.0.0.1 localhost.localdomain\n0.0.0.0 nas.local',
    ],
    ['addresses', '0.0.0.0 0.0.0.0\n10.0.0.1\n::1\n||10.0.0.1^\n0.0.0.0 1.2.3\n0x7f.0x1'],
    ['a whole top level', 'com\n||com^\n.com\n.'],
    ['a hosts line for a real host', '192.168.1.5 nas.example'],
    ['element hiding', 'shop.example##.banner\nshop.example#@#.banner'],
    ['exceptions and conditions', '@@||shop.example^\n||shop.example^$third-party\n||shop.example/ads\n/ads.example/'],
    ['wildcards', '*.ads.example\n||ads.*^'],
    ['bad labels', '-ads.example\nads-.example\nads..example\n.ads.example\nads.example..'],
    ['labels and names that are too long', `${'a'.repeat(64)}.example\n${'a.'.repeat(130)}example`],
    ['a web page', '<!doctype html>\n<html><body>\n<a href="https://portal.example/">log in</a>\n</html>'],
    ['binary', Buffer.from(Array.from({ length: 512 }, (_, at) => at % 256)).toString('latin1')],
  ])('passes over %s', (_what, text) => {
    expect(parseList(text)).toEqual([]);
  });

  it.each([
    'ads.example" always_null\nlocal-zone: "." static',
    'local-zone: "bank.example" redirect',
    '0.0.0.0 ads.example"',
    "ads.example'",
    'ads.example/#',
    'ads.example\\n',
    'ads.example;x',
    '||ads.example"^',
    'ads.example\0',
    'ads.example\u2028server:',
    '\u202eads.example',
  ])('lets nothing through that could change the output: %j', (text) => {
    expect(parseList(text)).toEqual([]);
  });

  it('reads lines that end as on Windows and on old Macs', () => {
    expect(parseList('a.example\r\nb.example\rc.example\n')).toEqual(['a.example', 'b.example', 'c.example']);
  });
});

it('toDomain refuses what is no domain', () => {
  expect(['', '.', 'localhost', '1.2.3.4', 'a b.example', '%61ds.example'].map(toDomain)).toEqual(
    Array(6).fill(undefined),
  );
});
