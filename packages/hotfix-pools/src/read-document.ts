import path from 'node:path';
import { readFileText } from '@homeserver/system';
import { invalidDocument } from './document-fields.ts';
import { HotfixError } from './errors.ts';
import { parseOperationDocument, type OperationDocument } from './operations/operation-document.ts';
import { parsePoolDocument, type PoolDocument } from './pools/pool-document.ts';
import { printableReason } from './printable-text.ts';

export type HotfixDocument = PoolDocument | OperationDocument;

/**
 * Reads `<directory>/index.json`: a document with `pools`, or one with `operations`. Throws HotfixError 'invalid-document',
 * naming the file and the field.
 */
export function readHotfixDocument(directory: string): HotfixDocument {
  const file = path.join(directory, 'index.json');
  const json = readJson(file);
  const has = (key: string): boolean => typeof json === 'object' && json !== null && key in json;
  if (has('pools') && has('operations'))
    throw invalidDocument(file, 'operations', 'cannot stand beside pools: use one of the two');
  return has('operations') ? parseOperationDocument(json, file) : parsePoolDocument(json, file);
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileText(file));
  } catch (error) {
    const why = error instanceof SyntaxError ? `it is not JSON: ${printableReason(error)}` : printableReason(error);
    throw new HotfixError('invalid-document', `cannot read ${file}: ${why}`, {
      cause: error,
      hint: 'nothing was changed',
    });
  }
}
