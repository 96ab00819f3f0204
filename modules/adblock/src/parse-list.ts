import { domainToASCII } from 'node:url';

/** What a hosts list maps a blocked name to. A line with another address maps a real host, and blocks nothing. */
const sinks = new Set(['0.0.0.0', '127.0.0.1', '::', '::1']);

/** At least two labels, the last of which begins with a letter: so no address is one. Only these characters reach the output. */
const domainPattern = /^(?=.{4,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/;

/** Names of this machine and of the home network. */
const ownNames = /\.(?:localhost|localdomain|local)$/;

/**
 * The domains of a block list, in any mixture of `0.0.0.0 ads.example` (hosts), `ads.example` and `||ads.example^`
 * (adblock). Everything else is passed over: comments, rules with conditions, addresses, garbage.
 */
export function parseList(text: string): string[] {
  return text.split(/[\r\n]+/).flatMap((line) => namesIn(line).flatMap((name) => toDomain(name) ?? []));
}

function namesIn(line: string): string[] {
  // Not every `#` begins a comment: `shop.example##.banner` hides an element, and must not block the shop.
  const [first = '', ...others] = line
    .replace(/(^|\s)#.*/, '')
    .trim()
    .split(/\s+/);
  if (others.length > 0) return sinks.has(first) ? others : [];
  return first.startsWith('||') && first.endsWith('^') ? [first.slice(2, -1)] : [first];
}

/** A name as DNS has it: lower case, IDNA, without the final dot; undefined for what is no domain, or is ours. */
export function toDomain(name: string): string | undefined {
  const ascii = /^[\x21-\x7e]*$/.test(name) ? name.toLowerCase() : domainToASCII(name);
  const domain = ascii.replace(/\.$/, '');
  return domainPattern.test(domain) && !ownNames.test(domain) ? domain : undefined;
}
