import os from 'node:os';
import type { RunRecord } from '@homeserver/orchestrator';
import { escapeControl } from '@homeserver/logging';

/** What a webhook gets as JSON, and a mail as text. */
export interface RunMessage {
  schema: 'homeserver-updates/notification@1';
  server: string;
  run: string;
  outcome: RunRecord['outcome'];
  /** One line. */
  summary: string;
  /** Everything that is worth a line. */
  details: string[];
}

/** Somebody should hear of a run that failed, or that changed something. */
export function isWorthTelling({ outcome, updated, recovered, modules }: RunRecord): boolean {
  return outcome !== 'ok' || updated.length > 0 || recovered.length > 0 || modules.some(({ changed }) => changed);
}

export function messageOf(record: RunRecord): RunMessage {
  const server = os.hostname();
  return {
    schema: 'homeserver-updates/notification@1',
    server,
    run: record.id,
    outcome: record.outcome,
    summary: `${server}: ${titles[record.outcome]}${counts(record)}`,
    details: detailsOf(record).map(escapeControl),
  };
}

const titles: Readonly<Record<RunRecord['outcome'], string>> = {
  ok: 'updated',
  failed: 'update with failures',
  'rollback-failed': 'a rollback failed, a person must look',
  refused: 'no update',
  stopped: 'update stopped',
};

function counts({ updated, modules }: RunRecord): string {
  const failed = modules.filter(({ status }) => status === 'failed').length;
  const parts = [...(updated.length > 0 ? [`${updated.length} new`] : []), ...(failed > 0 ? [`${failed} failed`] : [])];
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

function detailsOf(record: RunRecord): string[] {
  return [
    ...(record.error === undefined ? [] : [record.error]),
    ...record.recovered.map((line) => `recovered: ${line}`),
    ...record.updated.map(({ name, from, to }) => `updated: ${name} ${from ?? 'new'} → ${to}`),
    ...record.not_updated.map(({ name, why }) => `not updated: ${name}: ${why}`),
    ...record.modules.flatMap(({ name, status, error, changed, reverted = [], rollback_failed = [], rolled_back }) => [
      ...(status === 'succeeded' ? (changed ? [`changed: ${name}`] : []) : [`${status}: ${name}: ${error ?? ''}`]),
      ...(rolled_back === undefined
        ? []
        : [`rolled back: ${name} ${rolled_back.from} → ${rolled_back.to ?? 'removed'}`]),
      ...reverted.map((line) => `put back: ${name}: ${line}`),
      ...rollback_failed.map((line) => `NOT put back: ${name}: ${line}`),
    ]),
  ];
}
