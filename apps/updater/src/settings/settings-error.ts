/** A flag, a variable or the settings file is wrong; nothing was touched. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly code = 'usage';
  readonly hint: string | undefined;

  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
  }
}
