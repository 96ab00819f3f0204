import { describe, expect, it } from 'vitest';
import { unitName } from '../../src/services/unit-name.ts';
import { servicesSource } from '../../src/services/services-source.ts';
import { coded } from '../expectations.ts';

describe('a unit name', () => {
  it.each([
    ['nginx', 'nginx.service'],
    ['nginx.service', 'nginx.service'],
    ['backup.timer', 'backup.timer'],
    ['postgresql@15-main', 'postgresql@15-main.service'],
    ['my.app', 'my.app.service'],
    ['srv-data.mount', 'srv-data.mount'],
    [String.raw`mnt-a\x20b.mount`, String.raw`mnt-a\x20b.mount`],
  ])('%s is %s', (asked, name) => {
    expect(unitName(asked)).toBe(name);
  });

  it.each([
    ['-Mhost', 'it is no name of a systemd unit'],
    ['', 'it is no name of a systemd unit'],
    ['../nginx', 'it is no name of a systemd unit'],
    ['nginx*', 'it is no name of a systemd unit'],
    ['a b', 'it is no name of a systemd unit'],
    ['nginx\n', 'it is no name of a systemd unit'],
    ['x'.repeat(250), 'it is no name of a systemd unit'],
    ['foo@', 'it is a template: name an instance, such as foo@1.service'],
    ['foo@.timer', 'it is a template: name an instance, such as foo@1.timer'],
    ['user.slice', 'units of this type cannot be started'],
    ['session-1.scope', 'units of this type cannot be started'],
  ])('%j is refused: %s', (asked, why) => {
    const message = `cannot capture the service ${JSON.stringify(asked)}: ${why}`;
    expect(() => unitName(asked)).toThrow(coded('invalid-request') as Error);
    expect(() => unitName(asked)).toThrow(message);
  });

  it('claims the same unit however it is written', () => {
    expect(servicesSource.claims({ units: ['nginx', 'nginx.service', 'a.timer'] })).toEqual([
      { kind: 'services', name: 'nginx.service' },
      { kind: 'services', name: 'a.timer' },
    ]);
  });
});
