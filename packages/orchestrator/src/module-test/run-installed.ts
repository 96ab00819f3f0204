import type { ModuleOutcome } from '../run/module-outcome.ts';
import { update } from '../update.ts';
import type { ScratchServer } from './scratch-server.ts';

/** Runs the module that is installed there, to its end. */
export async function runInstalled({ server, name }: ScratchServer): Promise<ModuleOutcome> {
  const { outcomes } = await update(server, { only: 'run', waitMs: 60_000 });
  const outcome = outcomes.find((one) => one.name === name);
  if (outcome === undefined) throw new Error(`${name} is not installed any more`);
  return outcome;
}

/** Why it did not succeed; nothing when it did. */
export function failureOf({ status, error, reverted }: ModuleOutcome): string[] {
  return status === 'succeeded' && reverted.length === 0 ? [] : [error ?? reverted[0] ?? 'it failed'];
}
