import path from 'node:path';
import { parentPath, pathFromJson, reasonOf, showPath, type RawPath } from '@homeserver/system';
import { StateManagerError } from '../../errors.ts';
import { lookAt } from '../../files/inode-metadata.ts';
import { removeLeftovers } from '../../files/staging-areas.ts';
import { emptyReport } from '../../source-report.ts';
import type { PreparedRestore, SourceReport } from '../../state-source.ts';
import type { DatabaseRestore } from '../database-engine.ts';
import { refuseDamagedDumps } from '../dump-file.ts';
import { hasPossession, isAsCopied, stateOf, type LiveState } from './compare-sqlite.ts';
import { companionsOf } from './database-path.ts';
import { SqliteReplacement } from './replace-sqlite.ts';
import type { CapturedSqlite } from './sqlite-record.ts';

type Content = NonNullable<CapturedSqlite['content']>;

/** What `apply` is going to do. */
type Plan =
  | { do: 'nothing' }
  | { do: 'adjust'; content: Content }
  | { do: 'replace'; content: Content; live: LiveState }
  | { do: 'remove'; live: LiveState };

/** See `DatabaseEngine`. */
export async function prepareSqlite(captured: CapturedSqlite, context: DatabaseRestore): Promise<PreparedRestore> {
  const { content } = captured;
  const databases = path.join(context.directory, 'databases');
  if (content !== null) refuseDamagedDumps([content.dump], databases);
  const live = `${context.targetRoot ?? ''}${pathFromJson(captured.real)}` as RawPath;
  clearBeside(live);
  const plan = await planRestore(live, content, databases);
  return {
    touches: plan.do === 'replace' || plan.do === 'remove' ? [live, ...companionsOf(live)] : [],
    apply: () => carryOut(live, plan, databases, context),
  };
}

async function planRestore(live: RawPath, content: Content | null, databases: string): Promise<Plan> {
  const state = stateOf(live);
  if (content === null) {
    const isThere = [live, ...companionsOf(live)].some((file) => lookAt(file) !== undefined);
    return isThere ? { do: 'remove', live: state } : { do: 'nothing' };
  }
  if (state !== 'usable' || !(await isAsCopied(live, path.join(databases, content.dump.file)))) {
    return { do: 'replace', content, live: state };
  }
  return hasPossession(live, content.file) ? { do: 'nothing' } : { do: 'adjust', content };
}

/** Removes what a restore that was cut left beside the database. Throws 'cannot-restore' when a directory above it is a link now. */
function clearBeside(live: RawPath): void {
  const parent = parentPath(live);
  if (lookAt(parent) === undefined) return;
  try {
    removeLeftovers(parent);
  } catch (error) {
    throw new StateManagerError('cannot-restore', `cannot restore ${showPath(live)}: ${reasonOf(error)}`, {
      cause: error,
      hint: 'nothing live was touched',
    });
  }
}

async function carryOut(live: RawPath, plan: Plan, databases: string, context: DatabaseRestore): Promise<SourceReport> {
  if (plan.do === 'nothing') return { ...emptyReport(), unchanged: 1 };
  const replacement = new SqliteReplacement(live, context);
  try {
    if (plan.do === 'adjust') replacement.adjust(plan.content.file);
    else if (plan.do === 'replace') await replacement.replace(plan.content, databases, plan.live);
    else await replacement.remove(plan.live);
  } finally {
    replacement.close();
  }
  return replacement.report;
}
