import { pino } from 'pino';
import { reasonOf, type Logger } from '@homeserver/system';
import { escapeControl } from './escape-control.ts';
import { isJournal } from './is-journal.ts';
import { formatJournalLine, formatLine, type LevelName, type LogRecord } from './log-record.ts';
import type { Rotation } from './rotating-file.ts';
import { openDescriptorSink, openFileSink, openStreamSink, type Sink } from './sinks.ts';

export interface LoggingOptions {
  /** Default: 'journal' where the console is the journal of systemd, else 'lines'. */
  console?: 'lines' | 'json' | 'journal' | 'none';
  /** A stream or a file descriptor; default 2: standard output belongs to a command's result. */
  consoleStream?: NodeJS.WritableStream | number;
  /** Appended to, and rotated; without it nothing is written to disk. */
  file?: string;
  rotation?: Rotation;
  /** Default 'lines'. */
  fileFormat?: 'lines' | 'json';
  /** The lowest level that is written; default 'info'. */
  level?: LowestLevel;
  /** The lowest level that the console gets of these; default all. */
  consoleLevel?: LowestLevel;
  /** What the console gets of a line, where it cannot show all signs; default the line. The file has it as it is. */
  consoleText?: (line: string) => string;
  /** Called once, when the first message could not be written to the file. */
  onLoss?: () => void;
}

type LowestLevel = 'debug' | 'info' | 'warning' | 'error';

/** A logger with its outputs. Nothing that happens to an output reaches the caller. */
export interface Logging extends Logger {
  /** `level` defaults to INFO. */
  logMessage(message: string, level?: LevelName): void;
  /** A logger that names the module in each message. */
  child(moduleName: string): Logger;
  /** Closes the file; what is said later goes to the console alone. Twice is once. */
  close(): void;
}

type Method = 'debug' | 'info' | 'warn' | 'error';

const methods: Readonly<Record<string, Method>> = {
  DEBUG: 'debug',
  INFO: 'info',
  WARNING: 'warn',
  WARN: 'warn',
  ERROR: 'error',
};
const levelNames: Readonly<Record<string, LevelName>> = {
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
};

/**
 * Opens the outputs and returns the logger. Every message is one line `[time] [LEVEL] message` or one JSON line, with
 * control characters escaped. Throws LoggingError 'cannot-open' when the file cannot be opened; when it cannot be
 * written to later, the messages still reach the console, which is told of the loss once.
 */
export function createLogging(options: LoggingOptions = {}): Logging {
  const file = options.file === undefined ? undefined : openFileSink(options.file, options.rotation);
  const outputs = openOutputs(options, file);
  const logger = pino(
    {
      level: options.level === 'warning' ? 'warn' : (options.level ?? 'info'),
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":${Date.now() / 1000}`,
      formatters: { level: (label) => ({ level: levelNames[label] ?? 'INFO' }) },
    },
    outputs,
  );
  const own = loggerOver(logger);
  return {
    ...own,
    logMessage: (message, level = 'INFO') => own[methods[String(level).toUpperCase()] ?? 'info'](message),
    child: (moduleName) => loggerOver(logger.child({ module: escapeControl(moduleName) })),
    close: () => outputs.close(),
  };
}

/** The messages are escaped here, before pino, so that no output can forget it. */
function loggerOver(logger: Pick<pino.Logger, Method>): Logger {
  const say =
    (method: Method) =>
    (message: string): void =>
      logger[method](escapeText(message));
  return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
}

function escapeText(message: unknown): string {
  return escapeControl(message instanceof Error ? reasonOf(message) : String(message));
}

function openOutputs(options: LoggingOptions, file: Sink | undefined): Sink {
  const console = openConsole(options);
  const format = consoleFormat(options);
  const isForConsole = levelFilter(options.consoleLevel);
  const { consoleText = (line) => line } = options;
  const toConsole = (line: string): void => {
    if (isForConsole(line)) console?.write(consoleText(format(line)));
  };
  let lossSaid = false;
  const sayLoss = (error: unknown): void => {
    if (lossSaid) return;
    lossSaid = true;
    options.onLoss?.();
    const message = escapeControl(
      `cannot write the log file ${options.file}: ${reasonOf(error)}; messages are missing from it`,
    );
    const record: LogRecord = { time: Date.now() / 1000, level: 'ERROR', message };
    toConsole(`${JSON.stringify(record)}\n`);
  };
  return {
    write(line) {
      toConsole(line);
      try {
        file?.write(options.fileFormat === 'json' ? line : formatLine(JSON.parse(line) as LogRecord));
      } catch (error) {
        sayLoss(error);
      }
    },
    close() {
      file?.close();
    },
  };
}

function levelFilter(lowest: LowestLevel = 'debug'): (line: string) => boolean {
  const order: readonly LevelName[] = ['DEBUG', 'INFO', 'WARNING', 'ERROR'];
  const from = order.indexOf(lowest.toUpperCase() as LevelName);
  return from === 0 ? () => true : (line) => order.indexOf((JSON.parse(line) as LogRecord).level) >= from;
}

/** From a JSON line of pino to what the console gets. */
function consoleFormat({ console, consoleStream = 2 }: LoggingOptions): (line: string) => string {
  if (console === 'json') return (line) => line;
  const isForJournal = console === 'journal' || (console === undefined && isJournal(consoleStream));
  const format = isForJournal ? formatJournalLine : formatLine;
  return (line) => format(JSON.parse(line) as LogRecord);
}

function openConsole({ console, consoleStream = 2 }: LoggingOptions): Sink | undefined {
  if (console === 'none') return undefined;
  return typeof consoleStream === 'number' ? openDescriptorSink(consoleStream) : openStreamSink(consoleStream);
}
