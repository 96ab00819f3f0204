import { inspect } from 'node:util';
import { reasonOf } from '@homeserver/system';
import type { ModuleResult } from '../module-contract.ts';

/** Characters of the error in a result. */
export const MAX_ERROR = 1000;
const MAX_PARTS = 50;
const MAX_PART = 300;

/** Checks what `main` returned. Anything but a result of the documented shape is a failure that says what is wrong. */
export function readResult(returned: unknown): ModuleResult | false {
  if (returned === false) return false;
  if (returned === undefined) return wrong('returned nothing; { success: boolean } is needed');
  if (typeof returned !== 'object' || returned === null || Array.isArray(returned)) {
    return wrong(`returned ${show(returned)}; { success: boolean } is needed`);
  }
  const { success, error, changed, reverted, rollbackFailed } = returned as Record<string, unknown>;
  if (typeof success !== 'boolean') return wrong(`returned success: ${show(success)}; true or false is needed`);
  if (changed !== undefined && typeof changed !== 'boolean')
    return wrong('returned a "changed" that is not true or false');
  for (const [key, list] of Object.entries({ reverted, rollbackFailed })) {
    if (list !== undefined && !isTexts(list)) return wrong(`returned a "${key}" that is not a list of texts`);
  }
  return {
    success,
    ...(success ? {} : { error: errorText(error) }),
    ...(changed === undefined ? {} : { changed }),
    ...(isTexts(reverted) ? { reverted: bounded(reverted) } : {}),
    ...(isTexts(rollbackFailed) ? { rollbackFailed: bounded(rollbackFailed) } : {}),
  };
}

function wrong(what: string): ModuleResult {
  return { success: false, error: `main() ${what}` };
}

/** As Node shows it, in one line. */
function show(value: unknown): string {
  return reasonOf(inspect(value, { depth: 1 })).slice(0, MAX_ERROR);
}

/** A text and an error as what they say. */
function errorText(error: unknown): string {
  if (!error) return 'main() returned success: false without an error';
  return typeof error === 'string' || error instanceof Error ? reasonOf(error).slice(0, MAX_ERROR) : show(error);
}

function isTexts(list: unknown): list is string[] {
  return Array.isArray(list) && list.every((text) => typeof text === 'string');
}

function bounded(texts: readonly string[]): string[] {
  const first = texts.slice(0, MAX_PARTS).map((text) => reasonOf(text).slice(0, MAX_PART));
  return texts.length > MAX_PARTS ? [...first, `and ${texts.length - MAX_PARTS} more`] : first;
}
