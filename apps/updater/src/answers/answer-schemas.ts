import { z } from 'zod';
import { eventSchema } from './event-schema.ts';
import { backupAnswers } from './backup-answers.ts';
import { hotfixAnswers } from './hotfix-answers.ts';
import { otherAnswers } from './other-answers.ts';
import { runAnswers } from './run-answers.ts';
import { line, text } from './shapes.ts';

/** What the `data` of each command's answer is like, by the command's words joined with hyphens. */
const answers: Readonly<Record<string, z.ZodType>> = {
  ...runAnswers,
  ...backupAnswers,
  ...hotfixAnswers,
  ...otherAnswers,
  usage: z.never(), // Of a command line that names no command there is only ever an error.
};

/** The names of all commands that have an answer, `usage` for a command line that names none, and `event`. */
export const schemaNames: readonly string[] = [...Object.keys(answers), 'event'];

const error = z.strictObject({
  code: text.meta({ description: 'stable, for programs' }),
  message: line,
  hint: line.optional().meta({ description: 'what a person can do' }),
  exit_code: z.int().min(1).max(255),
});

/** The JSON Schema (2020-12) of a command's --json answer, or of an event; undefined for a command that does not exist. */
export function answerSchema(name: string): object | undefined {
  if (name === 'event') return eventSchema();
  const data = answers[name];
  if (data === undefined) return undefined;
  const schema = z.literal(`homeserver-updates/${name}@1`);
  const answer = z.union([
    z.strictObject({ schema, ok: z.boolean(), data }),
    z.strictObject({ schema, ok: z.literal(false), error }),
  ]);
  return { title: `The answer of "updater ${name}" with --json`, ...z.toJSONSchema(answer) };
}
