import type { ModuleOutcome } from './module-outcome.ts';

/**
 * Why a module cannot have its turn, one line; undefined when all that it depends on have succeeded. A dependency in
 * `notAskedFor` is taken to be in order. Pure.
 */
export function missingDependency(
  module: { dependencies: readonly string[] },
  outcomes: ReadonlyMap<string, Pick<ModuleOutcome, 'status'>>,
  notAskedFor: ReadonlySet<string>,
): string | undefined {
  for (const name of module.dependencies) {
    if (notAskedFor.has(name)) continue;
    const outcome = outcomes.get(name);
    if (outcome === undefined) return `it depends on ${name}, which is not installed and enabled here`;
    if (outcome.status !== 'succeeded')
      return `it depends on ${name}, which ${outcome.status === 'failed' ? 'failed' : 'was skipped'}`;
  }
  return undefined;
}
