import { errnoName, readFileText, reasonOf } from '@homeserver/system';
import { z } from 'zod';
import { OrchestratorError, type OrchestratorErrorCode } from '../errors.ts';

/**
 * A JSON file of ours, as its schema has it; undefined when there is none. Throws `code`, with the `hint`, when it cannot be
 * read or holds something else; the cause is the error of the machine, if it was one.
 */
export function readRecordFile<T>(
  file: string,
  schema: z.ZodType<T>,
  hint: string,
  code: OrchestratorErrorCode = 'io',
): T | undefined {
  try {
    return schema.parse(JSON.parse(readFileText(file)));
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined;
    const why = error instanceof z.ZodError ? 'has an unknown format' : reasonOf(error);
    throw new OrchestratorError(code, `cannot read ${file}: ${why}`, { cause: error, hint });
  }
}
