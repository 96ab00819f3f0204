import fs from 'node:fs';
import type { OperationRecorder } from '@homeserver/state-manager';
import { forFs } from '@homeserver/system';
import { copyFiles } from '../copy-files.ts';
import { HotfixError } from '../errors.ts';
import { printableReason } from '../printable-text.ts';
import { withBlock, withoutBlock, type BlockName } from './appended-block.ts';
import { madeNow, madeThen } from './examine-operations.ts';
import { linkFile } from './link-file.ts';
import type { LocatedOperation } from './operation-places.ts';
import type { OperationReport } from './operations-report.ts';
import { runScript, type ScriptContext } from './run-script.ts';

/** An operation on its way: what it was to be, and what became of it. */
export interface Attempted {
  located: LocatedOperation;
  report: OperationReport;
}

/**
 * Does one operation, noted durably before it begins. Its failure is in the report; one that is critical is thrown as
 * well, so that its guard puts everything back.
 */
export async function carryOut(
  attempted: Attempted,
  recorder: OperationRecorder,
  context: ScriptContext,
): Promise<void> {
  const { located, report } = attempted;
  const { operation, destination, rollbackScript } = located;
  await recorder.begin({
    id: operation.id,
    type: operation.type,
    ...(destination === undefined ? {} : { target: Buffer.from(destination.path, 'latin1') }),
    ...(rollbackScript === undefined || operation.type !== 'execute'
      ? {}
      : {
          rollbackScript: {
            file: Buffer.from(rollbackScript, 'latin1').toString(),
            workingDir: operation.workingDir,
            timeoutMs: operation.timeoutMs,
          },
        }),
  });
  try {
    report.state = await act(located, context);
    await recorder.end(operation.id, 'applied');
  } catch (error) {
    report.state = 'failed';
    report.reason = printableReason(error);
    await recorder.end(operation.id, 'failed');
    if (operation.critical || context.signal?.aborted) throw error;
    context.logger.warn(`operation ${operation.id} failed, and is not critical: ${report.reason}`);
  }
}

async function act(located: LocatedOperation, context: ScriptContext): Promise<'applied' | 'unchanged'> {
  const { operation, source, destination, permissions } = located;
  if (operation.type === 'execute') {
    await runScript(located, context);
    return 'applied';
  }
  if (destination === undefined) throw new HotfixError('invalid-document', `${operation.id} has no target`);
  const asked = Object.keys(permissions).length > 0;
  if (!asked && madeNow(located) === madeThen(located, context.stateDir)) return 'unchanged';
  if (operation.type === 'symlink') linkFile(located, context.stateDir);
  else if (operation.type === 'copy') copyFiles([{ source, destination, permissions }]);
  else {
    const text = destination.exists ? fs.readFileSync(forFs(destination.path), 'utf8') : '';
    const block = fs.readFileSync(forFs(source), 'utf8');
    copyFiles([{ source: Buffer.from(withBlock(text, operation, block)), destination }]);
  }
  return 'applied';
}

/** Takes a block out of a file again, because its operation is not in the document any more. */
export function removeBlock(located: Pick<LocatedOperation, 'destination'>, block: BlockName): void {
  const { destination } = located;
  if (destination === undefined || !destination.exists) return;
  const text = fs.readFileSync(forFs(destination.path), 'utf8');
  const without = withoutBlock(text, block);
  if (without !== text) copyFiles([{ source: Buffer.from(without), destination }]);
}
