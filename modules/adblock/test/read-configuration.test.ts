import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '@homeserver/test-support';
import { readConfiguration } from '../src/read-configuration.ts';
import { moduleContext } from './module-context.ts';

const sources = ['https://lists.example/ads.txt'];

function read(config: Record<string, unknown>) {
  const context = moduleContext(temporaryDirectory(), config);
  return { configuration: readConfiguration(context), said: context.said };
}

describe('readConfiguration', () => {
  it('needs nothing but sources', () => {
    expect(read({ sources }).configuration).toEqual({
      sources,
      format: 'unbound',
      outputPath: '/etc/unbound/unbound.conf.d/adblock.conf',
      check: [],
      reload: [],
      allow: [],
      minDomains: 1,
    });
  });

  it('accepts what the module ships with', () => {
    const file = path.join(import.meta.dirname, '../index.json');
    const shipped = JSON.parse(fs.readFileSync(file, 'utf8')) as { configuration: Record<string, unknown> };
    const { configuration, said } = read(shipped.configuration);
    expect(configuration).toMatchObject({ format: 'unbound', check: ['unbound-checkconf'], minDomains: 1000 });
    expect(said).toEqual([]);
  });

  it('takes each kind of source, and writes allowed names as DNS does', () => {
    const all = ['HTTPS://lists.example/a', 'http://127.0.0.1:8080/b', 'file:///srv/my%20list.txt'];
    expect(read({ sources: all, allow: ['Shop.Example.', 'bücher.example'] }).configuration).toMatchObject({
      sources: all,
      allow: ['shop.example', 'xn--bcher-kva.example'],
    });
  });

  it('warns about a key that it does not know', () => {
    expect(read({ sources, sorces: [] }).said).toEqual(['warn: configuration.sorces: unknown, and not used']);
  });

  it.each([
    [{}, 'sources: must be an array of strings'],
    [{ sources: 'https://lists.example' }, 'sources: must be an array of strings'],
    [{ sources: [] }, 'sources: must name at least one list'],
    [{ sources: [...sources, 7] }, 'sources[1]: must be a string'],
    [{ sources: [...sources, ''] }, 'sources[1]: must be a string'],
    [{ sources: [...sources, 'ftp://lists.example'] }, 'sources[1]: must be an https or http URL'],
    [{ sources: ['lists.example/ads.txt'] }, 'sources[0]: must be an https or http URL'],
    [{ sources: ['file://ads.txt'] }, 'sources[0]: must be an https or http URL, or file:// with an absolute path'],
    [{ sources: ['file:ads.txt'] }, 'sources[0]: must be'],
    [{ sources: ['https://'] }, 'sources[0]: must be'],
    [{ sources: ['https://me:secret@lists.example'] }, 'sources[0]: must not contain a user name or a password'],
    [{ sources, format: 'bind' }, 'format: must be one of unbound, dnsmasq, hosts'],
    [{ sources, output_path: 'adblock.conf' }, 'output_path: must be an absolute path'],
    [{ sources, output_path: '/etc/../etc/adblock.conf' }, 'output_path: must be an absolute path'],
    [{ sources, output_path: '/etc/unbound/' }, 'output_path: must be an absolute path'],
    [{ sources, output_path: '/etc/a\0b' }, 'output_path: must be an absolute path'],
    [{ sources, output_path: '/etc/hosts' }, 'output_path: must not be /etc/hosts'],
    [{ sources, check: 'unbound-checkconf' }, 'check: must be an array of strings'],
    [{ sources, reload: ['true', ' '] }, 'reload[1]: must be a string'],
    [{ sources, allow: ['shop.example', '*.shop.example'] }, 'allow[1]: must be a domain name'],
    [{ sources, allow: ['a.example" static'] }, 'allow[0]: must be a domain name'],
    [{ sources, min_domains: 0 }, 'min_domains: must be a whole number above 0'],
    [{ sources, min_domains: 1.5 }, 'min_domains: must be a whole number above 0'],
    [{ sources, min_domains: '1000' }, 'min_domains: must be a whole number above 0'],
  ] as const)('names the field that is wrong: %j', (config, why) => {
    const failure = (): unknown => read(config);
    expect(failure).toThrow(`configuration.${why}`);
    expect(failure).not.toThrow(/secret|\n/);
  });
});
