import fs from 'node:fs';
import path from 'node:path';
import { errnoName, readFileBytes, reasonOf } from '@homeserver/system';
import { OrchestratorError } from '../errors.ts';
import { readModuleIndex, type ModuleIndex } from '../module-index.ts';

/**
 * The index.json of a module directory, or the file itself, checked and with its defaults. Throws OrchestratorError 'usage'
 * that names the file and the field.
 */
export function loadModuleIndex(modulePath: string): ModuleIndex {
  const isDirectory = fs.statSync(modulePath, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const file = isDirectory ? path.join(modulePath, 'index.json') : path.resolve(modulePath);
  const reading = readModuleIndex(bytesOf(file), file, undefined);
  if (reading.ok) return reading.index;
  throw new OrchestratorError('usage', reading.problem);
}

function bytesOf(file: string): Uint8Array {
  try {
    return readFileBytes(file);
  } catch (error) {
    const why = errnoName(error) === 'ENOENT' ? 'is missing' : reasonOf(error);
    throw new OrchestratorError('usage', `${file}: ${why}`, { cause: error });
  }
}
