import { describe, expect, it } from 'vitest';
import {
  differenceOf,
  linksToStartWith,
  oddityOf,
  wantedActivity,
  wantedLinks,
  type ComparedUnit,
} from '../../src/services/compare-unit.ts';
import type { RecordedUnit } from '../../src/services/service-record.ts';
import type { UnitStatus } from '../../src/services/systemctl.ts';

const enabled = {
  path: '/etc/systemd/system/multi-user.target.wants/a.service',
  target: '/lib/systemd/system/a.service',
};
const mask = { path: '/etc/systemd/system/a.service', target: '/dev/null' };

function unit(recorded: Partial<RecordedUnit>, present: Partial<UnitStatus>, presentLinks = [enabled]): ComparedUnit {
  return {
    recorded: {
      unit: 'a.service',
      why: 'wanted',
      load_state: 'loaded',
      unit_file_state: 'enabled',
      active_state: 'active',
      sub_state: 'running',
      invocation_id: '1',
      links: [enabled],
      ...recorded,
    },
    present: {
      id: 'a.service',
      loadState: 'loaded',
      unitFileState: 'enabled',
      activeState: 'active',
      subState: 'running',
      type: 'simple',
      fragmentPath: '/lib/systemd/system/a.service',
      invocationId: '1',
      canReload: false,
      needsDaemonReload: false,
      parts: [],
      companions: [],
      triggeredBy: [],
      ...present,
    },
    presentLinks,
  };
}

describe('what a restore wants of a unit', () => {
  it.each([
    ['active', 'running'],
    ['reloading', 'running'],
    ['activating', 'running'],
    ['inactive', 'stopped'],
    ['failed', 'stopped'],
    ['deactivating', 'stopped'],
  ])('recorded as %s, it is %s', (state, activity) => {
    expect(wantedActivity(unit({ active_state: state }, {}))).toBe(activity);
  });

  it('a oneshot unit that was at work is not made to do it again', () => {
    const atWork = { active_state: 'activating' };
    expect(wantedActivity(unit(atWork, { type: 'oneshot', activeState: 'inactive' }))).toBe('as-it-is');
  });

  it('a companion is started again, but never stopped, and keeps links that it has got', () => {
    const appeared = { path: '/etc/systemd/system/a.target.wants/a.service', target: '/lib/systemd/system/a.service' };
    expect(wantedActivity(unit({ why: 'companion' }, { activeState: 'inactive' }))).toBe('running');
    expect(wantedActivity(unit({ why: 'companion', active_state: 'inactive' }, {}))).toBe('as-it-is');
    expect(wantedLinks(unit({ why: 'companion' }, {}, [appeared]))).toEqual([enabled, appeared]);
    expect(wantedLinks(unit({ why: 'part' }, {}, [appeared]))).toEqual([enabled]);
  });

  it('a mask is put on last, and comes off for a unit that must be started', () => {
    const masked = { links: [enabled, mask] };
    expect(linksToStartWith(unit(masked, {}, [enabled]))).toEqual([enabled]);
    expect(linksToStartWith(unit(masked, { activeState: 'inactive' }, [enabled, mask]))).toEqual([enabled]);
    expect(linksToStartWith(unit(masked, {}, [enabled, mask]))).toEqual([enabled, mask]);
    expect(linksToStartWith(unit({}, {}, [mask]))).toEqual([enabled]);
  });
});

describe('the difference between a unit and its record', () => {
  it.each<[string, ComparedUnit, string | undefined]>([
    ['as recorded', unit({}, {}), undefined],
    ['failed before, inactive now', unit({ active_state: 'failed' }, { activeState: 'inactive' }), undefined],
    ['not there any more', unit({}, { loadState: 'not-found' }), 'it does not exist any more'],
    ['disabled', unit({}, { unitFileState: 'disabled' }, []), 'it is disabled, and was enabled'],
    [
      'still starting',
      unit({}, { activeState: 'activating', subState: 'start' }),
      'it is activating (start), and was active',
    ],
    ['still in its loop', unit({ active_state: 'activating' }, { activeState: 'activating' }), undefined],
    [
      'still stopping',
      unit({ active_state: 'inactive' }, { activeState: 'deactivating', subState: 'stop' }),
      'it is deactivating (stop), and was inactive',
    ],
    ['running', unit({ active_state: 'inactive' }, {}), 'it is active (running), and was inactive'],
  ])('%s', (_, compared, difference) => {
    expect(differenceOf(compared)).toBe(difference);
  });

  it('that lies in the unit file alone is only told', () => {
    const changed = unit({ unit_file_state: 'static', links: [] }, { unitFileState: 'disabled' }, []);
    expect(differenceOf(changed)).toBeUndefined();
    expect(oddityOf(changed)).toBe(
      'a.service is disabled, and was static: its unit file is not the one that was there',
    );
    const appeared = unit(
      { load_state: 'not-found', active_state: 'inactive', links: [] },
      { activeState: 'inactive' },
      [],
    );
    expect([differenceOf(appeared), oddityOf(appeared)]).toEqual([
      undefined,
      'a.service did not exist, and is still there',
    ]);
  });
});
