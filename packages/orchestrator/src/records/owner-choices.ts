import { writeJsonDurably } from '@homeserver/system';
import { z } from 'zod';
import type { InstalledModule } from '../store/installed-modules.ts';
import { readRecordFile } from './read-record-file.ts';

/** What the owner of the server decided about one module. It lies outside of the module, and survives its updates. */
export interface OwnerChoice {
  /** In place of what its index says. */
  enabled?: boolean | undefined;
  /** Laid over its configuration: objects are merged, everything else is replaced. */
  settings?: Record<string, unknown> | undefined;
}

export type OwnerChoices = Record<string, OwnerChoice>;

const schema = z.strictObject({
  format: z.literal(1),
  modules: z.record(
    z.string(),
    z.strictObject({ enabled: z.boolean().optional(), settings: z.record(z.string(), z.unknown()).optional() }),
  ),
});

/** <stateDir>/owner.json. Throws 'io' when it cannot be read: what an owner switched off must not run for want of the note. */
export function readOwnerChoices(file: string): OwnerChoices {
  const hint = 'it says which modules are switched on and off here: mend it, or remove it to take what the modules say';
  return readRecordFile(file, schema, hint)?.modules ?? {};
}

/** Durable before it returns. */
export function writeOwnerChoices(file: string, choices: OwnerChoices): void {
  const kept = Object.entries(choices).filter(([, { enabled, settings }]) => {
    return enabled !== undefined || Object.keys(settings ?? {}).length > 0;
  });
  writeJsonDurably(file, { format: 1, modules: Object.fromEntries(kept) });
}

/** The modules as the owner wants them. Pure. */
export function withOwnerChoices(installed: Iterable<InstalledModule>, choices: OwnerChoices): InstalledModule[] {
  return [...installed].map((module) => {
    const choice = choices[module.name];
    if (choice === undefined || !module.index.ok) return module;
    const { index } = module.index;
    const configuration = overlay(index.configuration, choice.settings ?? {}) as Record<string, unknown>;
    return {
      ...module,
      index: { ok: true, index: { ...index, enabled: choice.enabled ?? index.enabled, configuration } },
    };
  });
}

/** `above` laid over `below`: objects are merged, everything else is replaced. */
export function overlay(below: unknown, above: unknown): unknown {
  if (!isObject(below) || !isObject(above)) return above;
  const keys = new Set([...Object.keys(below), ...Object.keys(above)]);
  return Object.fromEntries(
    [...keys].map((key) => [key, Object.hasOwn(above, key) ? overlay(below[key], above[key]) : below[key]]),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
