import { Ajv2020 as Ajv, type ValidateFunction } from 'ajv/dist/2020.js';
import { answerSchemas } from '../../src/answer-schemas.ts';

const schemas = answerSchemas();
const validators = new Map<string, ValidateFunction>();

/** Throws unless a program that relies on the published schema can read this --json answer, and the exit code in it is right. */
export function checkAnswer(stdout: string, exitCode: number | null): void {
  const answer = JSON.parse(stdout) as { schema: string; error?: { exit_code: number } };
  const name = answer.schema.replace(/^homeserver-updates\/rollback-(.+)@1$/, '$1');
  const schema = schemas[name];
  if (schema === undefined) throw new Error(`there is no schema for the answer ${answer.schema}`);
  const validate = validators.get(name) ?? new Ajv({ allErrors: true }).compile(schema);
  validators.set(name, validate);
  const isValid: boolean = validate(answer);
  if (!isValid) throw new Error(`${answer.schema} is not as its schema says: ${JSON.stringify(validate.errors)}`);
  if (answer.error && answer.error.exit_code !== exitCode) throw new Error(`exit code ${exitCode}: ${stdout}`);
}
