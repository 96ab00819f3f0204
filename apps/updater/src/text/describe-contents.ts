import type { RestoreReport } from '@homeserver/state-manager';

interface Contents {
  files: readonly string[];
  services: readonly string[];
  databases: readonly Record<string, unknown>[];
}

/** What a backup or a snapshot holds, by number: `2 paths, 1 service`. */
export function countContents({ files, services, databases }: Contents): string {
  const counts = [count(files, 'path'), count(services, 'service'), count(databases, 'database')];
  return counts.filter((part) => part !== undefined).join(', ') || 'nothing';
}

function count(things: readonly unknown[], noun: string): string | undefined {
  return things.length === 0 ? undefined : `${things.length} ${noun}${things.length === 1 ? '' : 's'}`;
}

/** The same by name, one line each. */
export function listContents({ files, services, databases }: Contents): string[] {
  return [
    ...files,
    ...services.map((unit) => `service ${unit}`),
    ...databases.map(({ type, database }) => `${String(type)} database ${String(database)}`),
  ];
}

/** Says what a restore did, and where to find what was in its way. */
export function sayRestore(say: (text: string) => void, what: string, report: RestoreReport): void {
  const { restored, adjusted, unchanged, displaced } = report;
  say(`Restored ${what}: ${restored.length} put back, ${adjusted.length} adjusted, ${unchanged} unchanged`);
  for (const { from, to } of displaced) say(`${from} was moved to ${to}`);
}
