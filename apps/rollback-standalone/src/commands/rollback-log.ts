import fs from 'node:fs';
import path from 'node:path';
import { StateManagerError, type OperationInfo, type StateManager } from '@homeserver/state-manager';
import type { Answer, CommandContext } from '../command-context.ts';
import { confirmChange } from '../confirm-change.ts';
import { EXIT } from '../exit-codes.ts';
import { describeUndone, undoneToJson } from '../text/describe-undone.ts';
import { formatTime } from '../text/format-time.ts';
import { plural } from '../text/plural.ts';
import { UsageError } from '../usage-error.ts';

/** `--rollback-log FILE`: takes back what the log says hotfix operations did, newest first, after a question. */
export async function rollbackLog(context: CommandContext, given: string): Promise<Answer> {
  const { state, toType } = context;
  const file = path.resolve(given);
  if (fs.lstatSync(file, { throwIfNoEntry: false }) === undefined)
    throw new UsageError(`cannot read ${file}: there is no such file`);
  const open = readLog(state, file).filter(({ outcome }) => outcome !== 'rolled-back');
  if (open.length === 0) {
    return { data: { changes: [] }, lines: ['Nothing in the log is left to roll back.'], exitCode: EXIT.done };
  }
  await confirmChange(context, {
    says: ['These operations are rolled back, the last one first:', ...open.map(describe)],
    question: `Roll back ${plural(open.length, 'operation')}?`,
    again: ['--rollback-log', file],
  });
  context.beginChange();
  const undone = await state.rollBackOperations({ file });
  const answer = { data: { changes: undone.map(undoneToJson) }, lines: undone.flatMap(describeUndone) };
  const failures = undone.filter(({ outcome }) => outcome === 'failed').length;
  if (failures === 0) return { ...answer, exitCode: EXIT.done };
  const message = `${plural(failures, 'change')} could not be rolled back completely`;
  const hint = `see above; put it right and type the same again, or: ${toType('--recover')}`;
  return { ...answer, exitCode: EXIT.rollbackFailed, problem: { message, hint } };
}

/** A damaged log says nothing of the backups. */
function readLog(state: StateManager, file: string): OperationInfo[] {
  try {
    return state.listOperations(file);
  } catch (error) {
    if (!(error instanceof StateManagerError) || error.code !== 'damaged') throw error;
    throw new StateManagerError('cannot-restore', `nothing was touched: ${error.message}`, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

function describe({ id, type, target, slot, time, hasRollbackScript }: OperationInfo): string {
  const how =
    type === 'execute' ? ` (${hasRollbackScript ? 'by its rollback script' : 'it has no rollback script'})` : '';
  return `  ${slot}: ${id}, ${type}${target === undefined ? '' : ` ${target}`}${how}, of ${formatTime(time)}`;
}
