import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { childEnvironment, RUN_MARKER } from '../src/child-environment.ts';

describe('childEnvironment', () => {
  let before: NodeJS.ProcessEnv;
  beforeEach(() => {
    before = process.env;
    process.env = {};
  });
  afterEach(() => {
    process.env = before;
  });

  it('lets only harmless names through', () => {
    const harmless = { HOME: '/root', USER: 'root', LANG: 'C.UTF-8', TZ: 'UTC', TMPDIR: '/tmp', [RUN_MARKER]: '1' };
    process.env = {
      ...harmless,
      PATH: '/bin',
      GIT_DIR: '/x',
      NODE_OPTIONS: '-r x',
      LD_PRELOAD: 'x',
      LD_LIBRARY_PATH: 'x',
      PGPASSWORD: 'x',
      BASH_ENV: 'x',
      ENV: 'x',
      IFS: 'x',
      PERL5LIB: 'x',
      SSH_AUTH_SOCK: 'x',
      NPM_TOKEN: 'x',
      GCONV_PATH: 'x',
    };
    expect(childEnvironment()).toEqual({ ...harmless, PATH: '/bin' });
  });

  it('keeps only the absolute parts of PATH', () => {
    process.env['PATH'] = '/usr/bin:.::bin:/bin:../x:';
    expect(childEnvironment()).toEqual({ PATH: '/usr/bin:/bin' });
  });

  it.each([undefined, '', '.:bin'])('has the usual PATH when ours is %j', (value) => {
    if (value !== undefined) process.env['PATH'] = value;
    expect(childEnvironment()['PATH']).toBe('/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
  });

  it('adds what the caller gives, which wins', () => {
    process.env['LANG'] = 'de_DE.UTF-8';
    expect(childEnvironment({ LANG: 'C', PGPASSWORD: 'for this child' })).toMatchObject({
      LANG: 'C',
      PGPASSWORD: 'for this child',
    });
  });
});
