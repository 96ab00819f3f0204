import type { BlockList } from './merge-lists.ts';
import type { Format } from './read-configuration.ts';

/** No date: the same list is the same file. */
const header = '# Written by the update module adblock. Changes made here are lost.';

/** unbound and dnsmasq then answer a blocked name, and all below it, with 0.0.0.0 and ::. */
const renderers: Record<Format, (list: BlockList) => string[]> = {
  unbound: ({ blocked, exceptions }) => [
    'server:',
    ...blocked.map((domain) => `    local-zone: "${domain}" always_null`),
    ...exceptions.map((domain) => `    local-zone: "${domain}" always_transparent`),
  ],
  dnsmasq: ({ blocked, exceptions }) => [
    ...blocked.map((domain) => `address=/${domain}/#`),
    ...exceptions.map((domain) => `server=/${domain}/#`),
  ],
  hosts: ({ blocked }) => blocked.map((domain) => `0.0.0.0 ${domain}`),
};

/** The resolver's configuration file. */
export function render(list: BlockList, format: Format): string {
  return [header, ...renderers[format](list), ''].join('\n');
}
