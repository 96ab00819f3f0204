export interface CodedErrorOptions {
  cause?: unknown;
  /** What the person can do about it. */
  hint?: string;
}

/** What the error classes of all packages are: one line for people, and a code for programs. Each package has one class of its own. */
export abstract class CodedError<Code extends string> extends Error {
  readonly code: Code;
  readonly hint: string | undefined;

  constructor(code: Code, message: string, options: CodedErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}
