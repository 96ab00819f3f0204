import { Ajv2020 as Ajv, type ValidateFunction } from 'ajv/dist/2020.js';
import { answerSchemas } from '../../src/answer-schemas.ts';

const schemas = answerSchemas();
const validators = new Map<string, ValidateFunction>();

/** Throws unless a program that relies on the published schema can read this --json answer, and the exit code in it is right. */
export function checkAnswer(line: string, exitCode: number | null): void {
  const answer = JSON.parse(line) as { schema: string; error?: { exit_code: number } };
  check(answer.schema.replace(/^homeserver-updates\/rollback-(.+)@1$/, '$1'), answer);
  if (answer.error && answer.error.exit_code !== exitCode) throw new Error(`exit code ${exitCode}: ${line}`);
}

/** Throws unless a program that relies on the published schemas can read each line of --json-lines, the answer last. */
export function checkLines(stdout: string, exitCode: number | null): void {
  const lines = stdout.trimEnd().split('\n');
  checkAnswer(lines.pop() ?? '', exitCode);
  for (const line of lines) check('event', JSON.parse(line));
}

function check(name: string, value: unknown): void {
  const schema = schemas[name];
  if (schema === undefined) throw new Error(`there is no schema "${name}"`);
  const validate = validators.get(name) ?? new Ajv({ allErrors: true }).compile(schema);
  validators.set(name, validate);
  if (validate(value) as boolean) return;
  throw new Error(`${JSON.stringify(value)} is not as the schema "${name}" says: ${JSON.stringify(validate.errors)}`);
}
