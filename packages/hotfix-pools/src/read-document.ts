import { readFileText } from '@homeserver/system';
import path from 'node:path';
import { HotfixError } from './errors.ts';
import { parsePoolDocument, type PoolDocument } from './pool-document.ts';
import { printableReason } from './printable-text.ts';

/** Reads `<directory>/index.json`. Throws HotfixError 'invalid-document' or 'unsupported', naming the file and the field. */
export function readPoolDocument(directory: string): PoolDocument {
  const file = path.join(directory, 'index.json');
  return parsePoolDocument(readJson(file), file);
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
