import { describe, expect, it } from 'vitest';
import { mergeLists } from '../src/merge-lists.ts';

const merge = (lists: string[][], options: Partial<Parameters<typeof mergeLists>[1]> = {}) =>
  mergeLists(lists, { allow: [], format: 'unbound', minDomains: 1, ...options });

describe('mergeLists', () => {
  it('gives the same sorted list, each domain once, whatever the order of the sources', () => {
    const [one, other] = [
      ['b.example', 'a.example'],
      ['c.example', 'b.example'],
    ];
    const merged = { blocked: ['a.example', 'b.example', 'c.example'], exceptions: [] };
    expect(merge([one, other])).toEqual(merged);
    expect(merge([other, one])).toEqual(merged);
  });

  it('keeps only the topmost domain, except in a hosts file, which names each host', () => {
    const lists = [['a.b.ads.example', 'ads.example', 'bads.example', 'other.example']];
    expect(merge(lists).blocked).toEqual(['ads.example', 'bads.example', 'other.example']);
    expect(merge(lists, { format: 'dnsmasq' }).blocked).toEqual(merge(lists).blocked);
    expect(merge(lists, { format: 'hosts' }).blocked).toHaveLength(4);
  });

  it('leaves out what is allowed, with all that is below it', () => {
    const lists = [['shop.example', 'img.shop.example', 'myshop.example']];
    expect(merge(lists, { allow: ['shop.example'] })).toEqual({ blocked: ['myshop.example'], exceptions: [] });
  });

  it('makes an exception for what is allowed below a blocked domain, where that would cover it', () => {
    const lists = [['ads.example', 'bad.good.ads.example']];
    const allow = ['good.ads.example', 'elsewhere.example'];
    expect(merge(lists, { allow })).toEqual({ blocked: ['ads.example'], exceptions: ['good.ads.example'] });
    expect(merge(lists, { allow, format: 'hosts' })).toEqual({ blocked: ['ads.example'], exceptions: [] });
  });

  it('refuses a list that is too short to be true', () => {
    const short = (): unknown => merge([['a.example', 'b.example']], { minDomains: 3 });
    expect(short).toThrow('the merged list has 2 domains, fewer than configuration.min_domains (3)');
    expect(merge([['a.example', 'b.example']], { minDomains: 2 }).blocked).toHaveLength(2);
  });
});
