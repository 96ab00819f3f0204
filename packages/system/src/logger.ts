/** What every package may say while it works; `@homeserver/logging` makes the real ones. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Says nothing: the default of each package. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
