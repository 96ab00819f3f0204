import { RUN_MARKER, type Closure } from '@homeserver/system';
import type { Engine } from './engine.ts';
import { closureToJson, type Intent } from './intent.ts';

/** Notes durably that a change of this run is about to begin; nothing live may change before this returns. */
export function openIntent(
  { journal, run }: Engine,
  intent: Pick<Intent, 'kind' | 'slot' | 'backup_id' | 'claims' | 'parent' | 'operations'>,
  afterRestore?: readonly string[] | Closure,
): Intent {
  process.env[RUN_MARKER] ??= run; // What a change starts must be found again should we die.
  const closure = afterRestore && ('lines' in afterRestore ? afterRestore : { lines: afterRestore });
  return journal.open({ ...intent, phase: 'open', run, after_restore: closureToJson(closure) });
}

/** The id of this run's session; opened with its first guard, and shared by all its processes. */
export function openSession(engine: Engine): string | null {
  const { session: slot, journal, run } = engine;
  if (slot === undefined) return null;
  const isIt = (intent: Intent): boolean => intent.kind === 'session' && intent.run === run && intent.slot === slot;
  const found = journal.list().intents.find(isIt);
  return (found ?? openIntent(engine, { kind: 'session', slot, backup_id: null, claims: [], parent: null })).id;
}

/** An intent, and all that are undone with it. */
export function withDescendants({ journal }: Engine, root: Intent): Intent[] {
  const family = new Set([root.id]);
  const { intents } = journal.list(); // Oldest first, so parents come before their children.
  for (const intent of intents) if (intent.parent !== null && family.has(intent.parent)) family.add(intent.id);
  return [root, ...intents.filter((intent) => intent.id !== root.id && family.has(intent.id))];
}
