import type { IsInUse } from './backup-store.ts';
import type { Engine } from './engine.ts';

/** Which backups something still refers to: an open change, or operations that can still be rolled back. */
export function backupsInUse({ journal, operations }: Engine): IsInUse {
  const tests = [journal.inUse(), operations.inUse()];
  return (id) => tests.some((test) => test(id));
}
