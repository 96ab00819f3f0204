import { describe, expect, it } from 'vitest';
import { runsOfScopes, scopeOf, serviceIn } from '../src/systemd-scope.ts';

/* What systemd itself does with scopes is seen on a server: apps/updater/test/systemd.slow.test.ts. */

describe('the scopes that a process is in', () => {
  it('name their runs, in either version of control groups, and below a group of its own', () => {
    const scope = scopeOf('20261127T070554Z-1f.1');
    for (const groups of [
      `0::/system.slice/${scope}\n`,
      `9:name=systemd:/system.slice/${scope}\n8:pids:/system.slice/${scope}\n0::/system.slice/${scope}\n`,
      `0::/system.slice/${scope}/its-own\n`,
    ])
      expect(new Set(runsOfScopes(groups))).toEqual(new Set(['20261127T070554Z-1f.1']));
  });

  it('are none for what is no scope of a run', () => {
    for (const group of [
      'homeserver-updates.service',
      'homeserver-updater-77-1f.scope',
      'session-1.scope',
      'x-homeserver-updates-1.scope',
    ])
      expect(runsOfScopes(`0::/system.slice/${group}\n`)).toEqual([]);
  });
});

describe('the service that a process is in', () => {
  it.each([
    ['0::/system.slice/web-ui.service\n', 'web-ui.service'],
    ['1:name=systemd:/system.slice/web-ui.service/workers\n0::/\n', 'web-ui.service'],
    ['8:pids:/system.slice/other.service\n1:name=systemd:/system.slice/web-ui.service\n', 'web-ui.service'],
    ['0::/user.slice/user-0.slice/user@0.service/app.slice/notes.service\n', 'notes.service'],
    ['0::/user.slice/user-0.slice/session-3.scope\n', undefined],
    ['0::/user.slice/user-0.slice/user@0.service/app.slice/terminal.scope\n', undefined],
    ['0::/\n', undefined],
    ['', undefined],
  ])('%j: %s', (groups, service) => {
    expect(serviceIn(groups)).toBe(service);
  });
});
