import { toSnakeCase } from './snake-case.ts';

/** Something that has just happened, for programs: one JSON object on a line of its own, with its time; keys in snake_case. */
export function eventLine({ type, ...rest }: { type: string }): string {
  return `${JSON.stringify({ type, time: Date.now() / 1000, ...(toSnakeCase(rest) as object) })}\n`;
}
