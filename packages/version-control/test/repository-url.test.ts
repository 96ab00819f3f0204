import { describe, expect, it } from 'vitest';
import { checkRepositoryUrl, showUrl } from '../src/index.ts';
import { refusal } from './support.ts';

describe('checkRepositoryUrl', () => {
  it.each([
    ['https://github.com/homeserverltd/updates.git', 'https', 'https://github.com/homeserverltd/updates.git'],
    ['HTTPS://GitHub.com:8443/a/b', 'https', 'https://github.com:8443/a/b'],
    ['https://[2001:db8::1]/a', 'https', 'https://[2001:db8::1]/a'],
    ['https://example.org\\@evil.org/a', 'https', 'https://example.org/@evil.org/a'],
    ['http://localhost:8080/a', 'http', 'http://localhost:8080/a'],
    ['http://127.0.0.1/a', 'http', 'http://127.0.0.1/a'],
    ['http://[::1]/a', 'http', 'http://[::1]/a'],
    ['ssh://git@example.org:2222/srv/updates.git', 'ssh', 'ssh://git@example.org:2222/srv/updates.git'],
    ['ssh://example.org/~me/updates', 'ssh', 'ssh://example.org/~me/updates'],
    ['git@example.org:homeserverltd/updates.git', 'ssh', 'git@example.org:homeserverltd/updates.git'],
    ['example.org:updates.git', 'ssh', 'example.org:updates.git'],
    ['file:///srv/updates', 'file', 'file:///srv/updates'],
    ['file://localhost/srv/updates', 'file', 'file:///srv/updates'],
    ['/srv/my updates', 'file', 'file:///srv/my%20updates'],
    ['/srv/100%25?#', 'file', 'file:///srv/100%2525%3F%23'],
  ])('accepts %s', (given, scheme, url) => {
    expect(checkRepositoryUrl(given)).toMatchObject({ scheme, url });
  });

  it.each([
    ['', /empty/],
    ['--upload-pack=touch /tmp/x', /blank/],
    ['--upload-pack=touch', /no URL/],
    ['-oProxyCommand=x:y', /no URL/],
    ['ext::sh -c whoami', /blank/],
    ['ext::sh%20-c%20whoami', /https, ssh and file only/],
    ['fd::17', /https, ssh and file only/],
    ['git://example.org/a', /https, ssh and file only/],
    ['ftp://example.org/a', /https, ssh and file only/],
    ['transport::https://example.org/a', /https, ssh and file only/],
    ['http://example.org/a', /can be altered on its way/],
    ['http://127.0.0.1.example.org/a', /can be altered on its way/],
    ['http://localhost.example.org/a', /can be altered on its way/],
    ['http://localhost@example.org/a', /can be altered on its way/],
    ['https://', /names no host/],
    ['https://-x/a', /names no host/],
    ['https://example.org/a\nb', /control character/],
    ['https://user:%zz@example.org/', /broken % escape/],
    ['ssh://-oProxyCommand=x/a', /names no host/],
    ['ssh://git@-oProxyCommand=x/a', /names no host/],
    ['ssh://-l@example.org/a', /odd user name/],
    ['ssh://git:secret@example.org/a', /takes no password/],
    ['ssh://example.org/-x', /names no path/],
    ['git@-oProxyCommand=x:a', /no URL/],
    ['git@example.org:-x', /names no path/],
    ['git:secret@example.org/a', /no URL/],
    ['relative/path', /no URL/],
    ['./path', /no URL/],
    ['file://example.org/a', /absolute path/],
    ['file:relative', /no URL|absolute|names no/],
    ['file:///a%0ab', /absolute path/],
    ['/a\nb', /control character/],
    ['/a\0b', /control character/],
  ])('refuses %j', (given, why) => {
    expect(() => checkRepositoryUrl(given)).toThrow(refusal('bad-url', why));
  });

  it('takes http from anywhere when signatures are required', () => {
    expect(checkRepositoryUrl('http://example.org/a', { plainHttp: true })).toMatchObject({
      scheme: 'http',
      url: 'http://example.org/a',
    });
  });

  it('keeps the credentials out of the URL that git gets, and out of what is shown', () => {
    expect(checkRepositoryUrl('https://me:s%40cret@example.org/a')).toEqual({
      scheme: 'https',
      url: 'https://example.org/a',
      shown: 'https://***@example.org/a',
      credentials: 'me:s@cret',
    });
    expect(() => checkRepositoryUrl('ftp://me:secret@example.org/a')).not.toThrow(/secret/);
  });
});

describe('showUrl', () => {
  it.each([
    ['https://me:secret@example.org/a', 'https://***@example.org/a'],
    ['https://token@example.org/a@b', 'https://***@example.org/a@b'],
    ['https://example.org/a?private_token=secret', 'https://example.org/a?***'],
    ['ssh://git:secret@example.org/a', 'ssh://git:***@example.org/a'],
    ['ssh://git@example.org/a', 'ssh://git@example.org/a'],
    ['git@example.org:a', 'git@example.org:a'],
    ['me:secret@example.org/a', 'me:***@example.org/a'],
    ['https://example.org/a\n[ERROR] forged\x1b[2K', 'https://example.org/a\\x0a[ERROR] forged\\x1b[2K'],
  ])('shows %j as %j', (given, shown) => {
    expect(showUrl(given)).toBe(shown);
  });
});
