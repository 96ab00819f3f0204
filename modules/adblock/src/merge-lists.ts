import type { Configuration } from './read-configuration.ts';

export interface BlockList {
  /** Sorted, each once. */
  blocked: string[];
  /** Allowed names below a blocked one, which the resolver must be told about. */
  exceptions: string[];
}

/**
 * One list of many, always the same for the same domains. Where blocking a domain covers what is below it (not in a hosts
 * file), only the topmost is kept. Throws when fewer than `minDomains` are left: that is a broken download, not a list.
 */
export function mergeLists(
  lists: readonly string[][],
  { allow, format, minDomains }: Pick<Configuration, 'allow' | 'format' | 'minDomains'>,
): BlockList {
  const allowed = new Set(allow);
  const wanted = new Set(lists.flat().filter((domain) => !allowed.has(domain) && !isBelow(domain, allowed)));
  const coversBelow = format !== 'hosts';
  const blocked = [...wanted].filter((domain) => !coversBelow || !isBelow(domain, wanted)).sort();
  const exceptions = [...allowed].filter((domain) => coversBelow && isBelow(domain, wanted)).sort();
  if (blocked.length < minDomains) {
    throw new Error(
      `the merged list has ${blocked.length} domains, fewer than configuration.min_domains (${minDomains})`,
    );
  }
  return { blocked, exceptions };
}

/** Whether a parent of `domain` is among `domains`. */
function isBelow(domain: string, domains: ReadonlySet<string>): boolean {
  for (let dot = domain.indexOf('.'); dot !== -1; dot = domain.indexOf('.', dot + 1)) {
    if (domains.has(domain.slice(dot + 1))) return true;
  }
  return false;
}
