import fs from 'node:fs';

const CACHE = '/var/cache/homeserver-updates-test';

/** Where tests that run as root keep what is costly to make and shared by all checkouts of this machine; made 0755. */
export function testCache(): string {
  fs.mkdirSync(CACHE, { recursive: true, mode: 0o755 });
  return CACHE;
}
