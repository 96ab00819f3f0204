import { CodedError, type CodedErrorOptions } from './coded-error.ts';
import { escapeControls } from './raw-path.ts';

/** Why an effect of this package could not be carried out. */
export type SystemErrorCode =
  | 'io'
  | 'command-not-started'
  | 'lock-held'
  | 'processes-left'
  | 'unsafe-path'
  | 'no-scope';

/** The one error class of this package; `message` is a single line that names the path or the command. */
export class SystemError extends CodedError<SystemErrorCode> {
  override readonly name = 'SystemError';

  constructor(code: SystemErrorCode, message: string, options?: CodedErrorOptions) {
    super(code, escapeControls(message), options);
  }
}

/** Node does not know the names of these errno values (libuv maps only what it uses itself). */
const unnamedErrnos: Readonly<Record<number, string>> = {
  122: 'EDQUOT: disk quota exceeded',
  117: 'EUCLEAN: structure needs cleaning',
};

/** The errno name of a file system error (`ENOENT`), also of one that is the cause of a SystemError; undefined for any other error. */
export function errnoName(error: unknown): string | undefined {
  if (error instanceof SystemError) return errnoName(error.cause);
  if (!(error instanceof Error)) return undefined;
  const { code, errno } = error as NodeJS.ErrnoException;
  if (code === undefined || !code.startsWith('E') || code.startsWith('ERR_')) {
    const named = errno === undefined ? undefined : unnamedErrnos[Math.abs(errno)];
    return named?.split(':')[0];
  }
  return code;
}

const shortages: ReadonlySet<string | undefined> = new Set([
  'ENOSPC',
  'EDQUOT',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
]);

/** Whether an error, or what caused it, is that the machine is full or busy now, which may be over the next time. */
export function isShortage(error: unknown): boolean {
  return error instanceof Error && (shortages.has(errnoName(error)) || isShortage(error.cause));
}

/** The whole reason in one line, without a stack: the messages of the error and of its causes. */
export function reasonOf(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; current !== undefined && depth < 5; depth++) {
    const text = current instanceof Error ? messageOf(current) : String(current);
    if (!parts.some((part) => part.includes(text))) parts.push(text);
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.map(inOneLine).join(': ');
}

function inOneLine(text: string): string {
  const lines = text.split(/[\r\n\u2028\u2029]/).map((line) => line.trim());
  return lines.filter(Boolean).join(' ');
}

function messageOf(error: Error): string {
  const { errno, syscall, path } = error as NodeJS.ErrnoException;
  const named = errno === undefined ? undefined : unnamedErrnos[Math.abs(errno)];
  if (named === undefined) return error.message;
  return [named, [syscall, path && `'${path}'`].filter(Boolean).join(' ')].filter(Boolean).join(', ');
}

/** "cannot <action> <path>: <why>", as a SystemError that keeps the cause. */
export function ioError(action: string, path: string, cause: unknown): SystemError {
  return new SystemError('io', `cannot ${action} ${path}: ${reasonOf(cause)}`, { cause });
}
