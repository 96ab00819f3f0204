type Json = Record<string, unknown>;

/** An index.json whose hotfixes fail at their very end. */
export interface BrokenHotfixes {
  index: Json;
  /** How many parts have to be put back. */
  parts: number;
  /** What fails: `the closure of each of 2 pools`. */
  what: string;
}

/** Every pool gets a closure line that fails; not when the closure runs again after the restore. `mark`: a path for notes. */
export function breakPools(index: Json, mark: string): BrokenHotfixes | undefined {
  const pools = listOf(index['pools']);
  if (pools.length === 0) return undefined;
  const failing = pools.map((pool, at) => {
    const note = `'${mark}-${at}'`;
    return { ...pool, closure: [...listOf(pool['closure']), `[ -e ${note} ] || { : > ${note}; false; }`] };
  });
  return {
    index: { ...index, pools: failing },
    parts: pools.length,
    what: `the closure of each of ${pools.length} pools`,
  };
}

/** The operations get a check after them that fails. Not where the author wants what failed to stay. */
export function breakOperations(index: Json): BrokenHotfixes | undefined {
  const { operations, validation, config } = index as { operations?: unknown; validation?: Json; config?: Json };
  if (listOf(operations).length === 0 || config?.['rollback_on_failure'] === false) return undefined;
  const check = { command: 'false', description: 'made to fail by the module test' };
  const checks = [...listOf(validation?.['post_checks']), check];
  return {
    index: { ...index, validation: { ...validation, post_checks: checks } },
    parts: 1,
    what: 'the last check of the operations',
  };
}

function listOf(value: unknown): Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}
