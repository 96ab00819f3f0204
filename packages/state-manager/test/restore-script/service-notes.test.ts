import { describe, expect, it } from 'vitest';
import { notesForServices } from '../../src/restore-script/service-notes.ts';
import type { RecordedUnit } from '../../src/services/service-record.ts';

function unit(
  name: string,
  unit_file_state: string,
  active_state: string,
  why: RecordedUnit['why'] = 'wanted',
): RecordedUnit {
  return {
    unit: name,
    why,
    load_state: 'loaded',
    unit_file_state,
    active_state,
    sub_state: '',
    invocation_id: '',
    links: [],
  };
}

describe('what restore.sh says to type for units', () => {
  it('is one command for each thing to do, masks last', () => {
    const units = [
      unit('nginx.service', 'enabled', 'active'),
      unit('getty@tty1.service', 'disabled', 'active'),
      unit('old.service', 'masked', 'inactive'),
      unit('part.service', 'static', 'active', 'part'),
      unit('other.timer', 'enabled', 'active', 'companion'),
    ];
    expect(notesForServices(units).map(({ text }) => text)).toEqual([
      '- services; afterwards, type:',
      'systemctl enable -- nginx.service',
      'systemctl disable -- getty@tty1.service',
      'systemctl start -- nginx.service getty@tty1.service part.service',
      'systemctl stop -- old.service',
      'systemctl mask -- old.service',
    ]);
  });

  it('is nothing without units', () => {
    expect(notesForServices([])).toEqual([]);
  });
});
