import { Ajv2020 as Ajv, type ValidateFunction } from 'ajv/dist/2020.js';
import { answerSchema } from '../../src/answers/answer-schemas.ts';

const validators = new Map<string, ValidateFunction>();

/** The names of the answers that were checked so far: `backups-list`. */
export const validated: Set<string> = new Set();

/** Throws unless a program that relies on the published schema can read this answer of the command. */
export function checkAnswer(answer: { schema: string; ok: boolean; error?: unknown }): void {
  const [, name = ''] = /^homeserver-updates\/(.+)@1$/.exec(answer.schema) ?? [];
  const schema = answerSchema(name);
  if (schema === undefined) throw new Error(`there is no schema for the answer ${answer.schema}`);
  const validate = validators.get(name) ?? new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schema);
  validators.set(name, validate);
  const isValid: boolean = validate(answer);
  if (!isValid) throw new Error(`${answer.schema} is not as its schema says: ${JSON.stringify(validate.errors)}`);
  if (answer.error === undefined) validated.add(name);
}
