import type { RunRecord } from '@homeserver/orchestrator';

export interface BackupMetrics {
  module: string;
  /** Unix seconds. */
  timestamp: number;
  bytes: number;
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [value: number, labels?: Labels];

/** The text exposition format of Prometheus (0.0.4), all gauges: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function metricsText(
  record: RunRecord,
  rest: { quarantined: readonly string[]; backups: readonly BackupMetrics[] },
): string {
  const { modules, phases_ms: phases = {} } = record;
  const reverted = modules.reduce((sum, module) => sum + (module.reverted?.length ?? 0), 0);
  return [
    metric('last_run_timestamp_seconds', 'When the last run ended.', [[record.ended]]),
    metric('last_run_success', 'Whether the last run ended well.', [[Number(record.outcome === 'ok')]]),
    metric('last_run_duration_seconds', 'How long the last run took.', [[record.ended - record.started]]),
    metric(
      'last_run_phase_duration_seconds',
      'How long each phase of it took.',
      Object.entries(phases).map(([phase, ms]) => [ms / 1000, { phase }]),
    ),
    metric('last_run_updated_modules', 'Modules that it replaced.', [[record.updated.length]]),
    metric('last_run_reverted_pools', 'Hotfix pools and operations that it put back.', [[reverted]]),
    metric(
      'module_info',
      'The version that was run; always 1.',
      modules.map(({ name, version }) => [1, { module: name, version }]),
    ),
    metric(
      'module_success',
      'Whether the module ended well.',
      modules.map(({ name, status }) => [Number(status === 'succeeded'), { module: name, outcome: status }]),
    ),
    metric(
      'module_duration_seconds',
      'How long the module ran.',
      modules.map(({ name, duration_ms: ms }) => [ms / 1000, { module: name }]),
    ),
    metric('quarantined_modules', 'Modules with a version that is not tried again by itself.', [
      [rest.quarantined.length],
    ]),
    metric(
      'backup_timestamp_seconds',
      'When the backup was taken.',
      rest.backups.map(({ module, timestamp }) => [timestamp, { module }]),
    ),
    metric(
      'backup_size_bytes',
      'What it takes on the disk.',
      rest.backups.map(({ module, bytes }) => [bytes, { module }]),
    ),
  ].join('');
}

function metric(name: string, help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const full = `homeserver_updates_${name}`;
  const lines = samples.map(([value, labels = {}]) => `${full}${labelText(labels)} ${value}`);
  return [`# HELP ${full} ${help}`, `# TYPE ${full} gauge`, ...lines, ''].join('\n');
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escape(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
