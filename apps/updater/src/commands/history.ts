import { findRunRecord, readRunRecords, type RunRecord } from '@homeserver/orchestrator';
import { formatLocalTime } from '@homeserver/system';
import { lookAt, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { SettingsError } from '../settings/settings-error.ts';
import { formatTable } from '../text/format-table.ts';

const SHOWN_RUNS = 20;

/** `updater history [run]`: past cycles, or one of them in full. */
export async function historyCommand(context: CommandContext, id: string | undefined): Promise<number> {
  if (id === undefined) {
    const records = lookAt(context, ({ paths }) => readRunRecords(paths, SHOWN_RUNS));
    const rows = records.map((record) => [
      record.id,
      formatLocalTime(record.started),
      record.outcome,
      summaryOf(record),
    ]);
    context.answer(
      records,
      rows.length === 0 ? ['There was no run yet.'] : formatTable(['run', 'started', 'outcome', 'what'], rows),
    );
    return EXIT.done;
  }
  const record = lookAt(context, ({ paths }) => findRunRecord(paths, id));
  if (record === undefined) {
    const all = lookAt(context, ({ paths }) => readRunRecords(paths, Number.POSITIVE_INFINITY));
    const isSeveral = all.some((one) => one.id.startsWith(id));
    const what = isSeveral ? `the ids of several runs begin with ${id}` : `there is no run ${id}`;
    throw new SettingsError(what, { hint: 'see: updater history' });
  }
  context.answer(record, describeRun(record));
  return EXIT.done;
}

function summaryOf({ mode, updated, modules, error, orchestrator }: RunRecord): string {
  if (error !== undefined) return error;
  const failed = modules.filter((module) => module.status === 'failed').map((module) => module.name);
  const partly = modules.filter(({ status, reverted = [] }) => status !== 'failed' && reverted.length > 0);
  const lost = modules.filter((module) => module.rollback_failed !== undefined);
  const done = [
    mode ?? `${updated.length} updated`,
    `${modules.length} run`,
    ...(failed.length > 0 ? [`failed: ${failed.join(', ')}`] : []),
    ...(lost.length > 0 ? [`NOT PUT BACK: ${lost.map(({ name }) => name).join(', ')}`] : []),
    ...(partly.length > 0 ? [`put back in part: ${partly.map(({ name }) => name).join(', ')}`] : []),
  ].join(', ');
  return [done, ...(orchestrator?.problems ?? [])].join('; ');
}

function describeRun(record: RunRecord): string[] {
  const modules = record.modules.map((module) => [
    module.name,
    module.version,
    module.status,
    `${module.duration_ms} ms`,
    [
      module.error,
      ...(module.reverted ?? []),
      ...(module.rollback_failed ?? []),
      ...(module.rolled_back === undefined ? [] : [`rolled back to ${module.rolled_back.to ?? 'nothing'}`]),
      ...(module.displaced ?? []).map(({ from, to }) => `${from} is ${to} now`),
    ]
      .filter(Boolean)
      .join('; '),
  ]);
  const phases = Object.entries(record.phases_ms ?? {}).map(([phase, ms]) => `${phase} ${ms} ms`);
  const took = [`${record.ended - record.started} s`, ...(phases.length > 0 ? [`(${phases.join(', ')})`] : [])].join(
    ' ',
  );
  const notReplaced = (record.found ?? []).filter(({ name }) => !record.updated.some((one) => one.name === name));
  return [
    `Run ${record.id}${record.mode === undefined ? '' : ` (${record.mode})`}: ${record.outcome}${record.error ? `: ${record.error}` : ''}`,
    `  ${formatLocalTime(record.started)}, ${took}, updater ${record.updater_version}${orchestratorOf(record)}, commit ${record.commit ?? 'none'}`,
    ...(record.orchestrator?.problems ?? []).map((line) => `  ${line}`),
    ...record.recovered.map((line) => `  recovered: ${line}`),
    ...notReplaced.map(({ name, from, to }) => `  found: ${name} ${from ?? 'new'} → ${to}`),
    ...record.updated.map(({ name, from, to }) => `  updated: ${name} ${from ?? 'new'} → ${to}`),
    ...record.not_updated.map(({ name, why }) => `  not updated: ${name}: ${why}`),
    ...(modules.length > 0 ? formatTable(['module', 'version', 'status', 'took', 'why'], modules) : []),
  ];
}

function orchestratorOf({ orchestrator }: RunRecord): string {
  const from = orchestrator?.from === undefined ? '' : ` (updated from ${orchestrator.from} in this run)`;
  return orchestrator?.available === undefined ? from : `${from} (${orchestrator.available} was available)`;
}
