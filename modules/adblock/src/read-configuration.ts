import path from 'node:path';
import type { ModuleContext } from '@homeserver/orchestrator';
import { toDomain } from './parse-list.ts';

const formats = ['unbound', 'dnsmasq', 'hosts'] as const;
export type Format = (typeof formats)[number];

/** `configuration` of index.json with the owner's overlay, checked. */
export interface Configuration {
  /** Where the lists are: https, http, or file with an absolute path. */
  sources: string[];
  /** Whose language the output is in. */
  format: Format;
  outputPath: string;
  /** Closure lines that prove the new file before the resolver sees it. */
  check: string[];
  /** Closure lines that make the resolver read the file. */
  reload: string[];
  /** Domains that are never blocked, nor is anything below them. */
  allow: string[];
  /** A shorter merged list is taken for a broken one. */
  minDomains: number;
}

const known = new Set(['sources', 'format', 'output_path', 'check', 'reload', 'allow', 'min_domains']);

/** Throws at the first wrong field: "configuration.sources[1]: must be ...". A key that nobody knows is warned about. */
export function readConfiguration({ config, log }: Pick<ModuleContext, 'config' | 'log'>): Configuration {
  for (const key of Object.keys(config)) if (!known.has(key)) log.warn(`configuration.${key}: unknown, and not used`);
  return {
    sources: readSources(config['sources']),
    format: readFormat(config['format'] ?? 'unbound'),
    outputPath: readOutputPath(config['output_path'] ?? '/etc/unbound/unbound.conf.d/adblock.conf'),
    check: readStrings('check', config['check'] ?? []),
    reload: readStrings('reload', config['reload'] ?? []),
    allow: readAllow(config['allow'] ?? []),
    minDomains: readMinDomains(config['min_domains'] ?? 1),
  };
}

function readSources(value: unknown): string[] {
  const sources = readStrings('sources', value);
  if (sources.length === 0) fail('sources', 'must name at least one list');
  for (const [at, source] of sources.entries()) {
    const url = URL.parse(source);
    if (url === null || !/^(https?:\/\/|file:\/\/\/)/i.test(source)) {
      fail(`sources[${at}]`, 'must be an https or http URL, or file:// with an absolute path');
    }
    if (url.username || url.password) fail(`sources[${at}]`, 'must not contain a user name or a password');
  }
  return sources;
}

function readFormat(value: unknown): Format {
  return formats.find((format) => format === value) ?? fail('format', `must be one of ${formats.join(', ')}`);
}

function readOutputPath(value: unknown): string {
  if (typeof value !== 'string' || !path.isAbsolute(value) || path.resolve(value) !== value || value.includes('\0')) {
    return fail('output_path', 'must be an absolute path without ".", ".." and double slashes');
  }
  if (value === '/etc/hosts') fail('output_path', 'must not be /etc/hosts: the whole file is replaced');
  return value;
}

function readAllow(value: unknown): string[] {
  return readStrings('allow', value).map((name, at) => toDomain(name) ?? fail(`allow[${at}]`, 'must be a domain name'));
}

function readMinDomains(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return value;
  return fail('min_domains', 'must be a whole number above 0');
}

function readStrings(field: string, value: unknown): string[] {
  if (!Array.isArray(value)) return fail(field, 'must be an array of strings');
  return value.map((item: unknown, at) => {
    if (typeof item !== 'string' || item.trim() === '')
      return fail(`${field}[${at}]`, 'must be a string with something in it');
    return item;
  });
}

function fail(field: string, why: string): never {
  throw new Error(`configuration.${field}: ${why}`);
}
