import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { forFs } from '@homeserver/system';
import { contentOf } from '../destination.ts';
import { diffContents } from '../diff-contents.ts';
import { HotfixError } from '../errors.ts';
import type { FoundState } from '../pools/report.ts';
import { printable, printableReason } from '../printable-text.ts';
import { hashFile } from '../source-file.ts';
import { contentOfBlock, withBlock } from './appended-block.ts';
import { linkedFile, linkTargetOf } from './link-file.ts';
import type { AppendOperation, OperationDocument } from './operation-document.ts';
import type { LocatedOperation } from './operation-places.ts';
import type { OperationsRecord, RecordedOperation } from './operation-record.ts';

/** SHA-256 (hex) of an operation as its author wrote it, with all the files that it ships. */
export function shippedHash({ operation, source, rollbackScript }: LocatedOperation): string {
  const { field: _, ...written } = operation;
  const files = [source, rollbackScript].map((file) => (file === undefined ? '' : hashFile(file)));
  return createHash('sha256')
    .update(JSON.stringify([written, files]))
    .digest('hex');
}

/** What is at the target now, as a record has it: null when it is not there. Of execute nothing can be said. */
export function madeNow({ operation, destination }: LocatedOperation): string | null {
  if (destination === undefined) return null;
  const place = forFs(destination.path);
  switch (operation.type) {
    case 'copy':
      return contentOf(destination) ?? null;
    case 'append': {
      const block = fs.existsSync(place) ? blockIn(fs.readFileSync(place, 'utf8'), operation) : undefined;
      return block === undefined ? null : sha256(block);
    }
    default:
      return linkTargetOf(place.toString()) ?? null;
  }
}

/** What will be at the target when the operation has been done. */
export function madeThen(located: LocatedOperation, stateDir: string): string | null {
  switch (located.operation.type) {
    case 'copy':
      return hashFile(located.source);
    case 'append':
      return sha256(endedByNewline(fs.readFileSync(forFs(located.source), 'utf8')));
    case 'symlink':
      return linkedFile(stateDir, located);
    default:
      return null;
  }
}

/** What was found at a target before anything was done, judged by what was last made there. */
export function foundAt(
  located: LocatedOperation,
  stateDir: string,
  applied: OperationsRecord | undefined,
): FoundState | undefined {
  if (located.destination === undefined) return undefined;
  const now = madeNow(located);
  if (now === null) return 'absent';
  if (now === madeThen(located, stateDir)) return 'as-shipped';
  const recorded = recordOf(located, applied);
  if (recorded === undefined) return 'unknown';
  return recorded.made === now ? 'pristine' : 'edited';
}

/** The record of this very operation: the same id, type and target. */
export function recordOf(
  { operation }: LocatedOperation,
  record: OperationsRecord | undefined,
): RecordedOperation | undefined {
  const target = 'target' in operation ? operation.target : undefined;
  return record?.operations.find(
    (one) => one.id === operation.id && one.type === operation.type && one.target === target,
  );
}

/** What doing it now would change in the file at its target, as a unified diff; undefined for nothing. */
export function diffOf({ operation, source, destination }: LocatedOperation): string | undefined {
  if (destination === undefined || operation.type === 'symlink') return undefined;
  const before = destination.exists ? fs.readFileSync(forFs(destination.path)) : undefined;
  const shipped = fs.readFileSync(forFs(source));
  const after =
    operation.type === 'append'
      ? Buffer.from(withBlock(before?.toString() ?? '', operation, shipped.toString()))
      : shipped;
  return diffContents(operation.type === 'execute' ? '' : operation.target, before, after);
}

/** How the operations stand now, for the memory. */
export function recordNow(
  state: OperationsRecord['state'],
  { schemaVersion }: Pick<OperationDocument, 'schemaVersion'>,
  located: readonly LocatedOperation[],
): OperationsRecord {
  const operations = located.map((one): RecordedOperation => {
    const { operation } = one;
    const { id, type } = operation;
    const block =
      operation.type === 'append' ? { marker: operation.marker, identifier: operation.identifier } : undefined;
    const target = 'target' in operation ? operation.target : undefined;
    return { id, type, target, shipped: shippedHash(one), made: madeNow(one), block };
  });
  return { state, schemaVersion, time: Math.floor(Date.now() / 1000), operations };
}

function blockIn(text: string, operation: AppendOperation): string | undefined {
  try {
    return contentOfBlock(text, operation);
  } catch (error) {
    const why = `${operation.field}.target: ${operation.target}: ${printableReason(error)}`;
    throw new HotfixError('invalid-destination', printable(why), { cause: error });
  }
}

function endedByNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
