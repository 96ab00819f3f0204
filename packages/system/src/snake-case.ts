/** Data that `toSnakeCase` leaves as it is, because its keys are not ours. */
export class Verbatim {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/** A copy of plain data with its keys as JSON output has them: `lastRun` becomes `last_run`. Values stay as they are. */
export function toSnakeCase(value: unknown): unknown {
  if (value instanceof Verbatim) return value.value;
  if (Array.isArray(value)) return value.map(toSnakeCase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [snakeCase(key), toSnakeCase(inner)]));
}

function snakeCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** What `toSnakeCase` and JSON make of a T: keys in snake_case, what is undefined left out. */
export type Json<T> = unknown extends T
  ? unknown
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends readonly (infer Element)[]
      ? Json<Element>[]
      : {
          [Key in keyof T as undefined extends T[Key] ? never : SnakeCase<Key & string>]: Json<T[Key]>;
        } & {
          [Key in keyof T as undefined extends T[Key] ? SnakeCase<Key & string> : never]?:
            | Json<Exclude<T[Key], undefined>>
            | undefined;
        };

type SnakeCase<Key extends string> = Key extends `${infer First}${infer Rest}`
  ? First extends Lowercase<First>
    ? `${First}${SnakeCase<Rest>}`
    : `_${Lowercase<First>}${SnakeCase<Rest>}`
  : Key;
