import type { RunRecord } from '@homeserver/orchestrator';
import { describe, expect, it } from 'vitest';
import { metricsText } from '../../src/tell/metrics-text.ts';

const record: RunRecord = {
  format: 1,
  id: '20261120T031500Z-0ab',
  updater_version: '1.0.0',
  started: 1000,
  ended: 1012,
  commit: null,
  phases_ms: { sync: 250 },
  outcome: 'failed',
  recovered: [],
  updated: [{ name: 'web', from: '1.0.0', to: '1.1.0' }],
  not_updated: [],
  modules: [
    { name: 'web', version: '1.1.0', status: 'failed', changed: false, duration_ms: 1500, reverted: ['a', 'b'] },
  ],
};

describe('the metrics of a run', () => {
  it('are gauges with help and type, one name after the other', () => {
    const backups = [{ module: 'web', timestamp: 900, bytes: 4096 }];
    const lines = metricsText(record, { quarantined: ['web'], backups }).split('\n');
    expect(lines.slice(0, 3)).toEqual([
      '# HELP homeserver_updates_last_run_timestamp_seconds When the last run ended.',
      '# TYPE homeserver_updates_last_run_timestamp_seconds gauge',
      'homeserver_updates_last_run_timestamp_seconds 1012',
    ]);
    expect(lines.filter((line) => line !== '' && !line.startsWith('#')).slice(1)).toEqual([
      'homeserver_updates_last_run_success 0',
      'homeserver_updates_last_run_duration_seconds 12',
      'homeserver_updates_last_run_phase_duration_seconds{phase="sync"} 0.25',
      'homeserver_updates_last_run_updated_modules 1',
      'homeserver_updates_last_run_reverted_pools 2',
      'homeserver_updates_module_info{module="web",version="1.1.0"} 1',
      'homeserver_updates_module_success{module="web",outcome="failed"} 0',
      'homeserver_updates_module_duration_seconds{module="web"} 1.5',
      'homeserver_updates_quarantined_modules 1',
      'homeserver_updates_backup_timestamp_seconds{module="web"} 900',
      'homeserver_updates_backup_size_bytes{module="web"} 4096',
    ]);
    expect(lines.at(-1)).toBe('');
  });

  it('leave out what there is none of, and escape what stands in quotes', () => {
    const odd = { ...record, modules: [], backups: [] };
    const backups = [{ module: 'a"b\\c\nd', timestamp: 1, bytes: 1 }];
    const text = metricsText(odd, { quarantined: [], backups });
    expect(text).not.toContain('module_info');
    expect(text).toContain('{module="a\\"b\\\\c\\nd"} 1\n');
  });
});
