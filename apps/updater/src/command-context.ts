import { createLogging, type Logging } from '@homeserver/logging';
import { openServer, type RepositorySettings, type Server } from '@homeserver/orchestrator';
import type { FailedStart, Takeover } from '@homeserver/orchestrator/start';
import { checkConfiguredPath, errnoName, reasonOf, type Logger } from '@homeserver/system';
import type { Display } from './display/display.ts';
import { textFor } from './display/marks.ts';
import { SettingsError } from './settings/settings-error.ts';
import type { Settings } from './settings/settings.ts';

export interface ProgramStart {
  args: readonly string[];
  /** It goes on with the cycle of another release. */
  takeover: Takeover | undefined;
  /** A release that should have run in our place, and could not be started. */
  notStarted: FailedStart | undefined;
}

/** What a command works with. */
export interface CommandContext {
  /** Read when first asked for; throws SettingsError. */
  readonly settings: Settings;
  json: boolean;
  /** With events before the answer. */
  jsonLines: boolean;
  quiet: boolean;
  verbose: boolean;
  /** What is seen while it works. */
  readonly display: Display;
  /** How this process came to run: its arguments, and what was before it. */
  start: ProgramStart;
  /** Aborted by SIGTERM, SIGINT or SIGHUP. */
  signal: AbortSignal;
  /** The signal that asked us to stop. */
  stoppedBy(): NodeJS.Signals | undefined;
  /** The answer on stdout: these lines for a person, or with --json the data as one object. */
  answer(data: unknown, lines: readonly string[], ok?: boolean): void;
  /** The log file does not have all that was said: a success becomes exit code 1. */
  noteLoss(): void;
}

/** The repository that is pulled, and whose code of it may be used. */
export function repositoryOf({ settings }: CommandContext): RepositorySettings {
  return {
    url: settings.repoUrl,
    branch: settings.branch,
    trust: {
      allowedSigners: settings.trustAllowedSigners,
      revokedSigners: settings.trustRevokedSigners,
      require: settings.trustRequire,
      maxMajorJump: settings.trustMaxMajorJump,
      maxAgeDays: settings.trustMaxAgeDays,
    },
  };
}

/** A server that only looks: warnings on stderr, nothing written to the log. */
export function openForReading({ settings, display, verbose }: CommandContext): Server {
  const { onEvent, onProgress } = display;
  const logger = afterClearing(
    display,
    createLogging({ level: verbose ? 'debug' : 'warning', consoleText: textFor(process.stderr, process.env) }),
  );
  return openServer(settings, { logger, onEvent, onProgress });
}

/** Reads from the server; files that this user may not read are a matter of rights, not of the machine. */
export function lookAt<T>(context: CommandContext, look: (server: Server) => T): T {
  try {
    return look(openForReading(context));
  } catch (error) {
    if (causeIn(error, ['EACCES']) === undefined) throw error;
    throw new SettingsError(reasonOf(error), {
      cause: error,
      hint: 'run it as root, or as the user that the server belongs to',
    });
  }
}

/** A server that is going to be changed: everything goes to the log file, and is shown as it happens. */
export function openForChanging(context: CommandContext): { server: Server; logging: Logging } {
  const { display } = context;
  const logging = afterClearing(display, openLog(context));
  const { onEvent, onProgress, onModuleProgress } = display;
  const { historyDays } = context.settings;
  return {
    server: openServer(context.settings, {
      logger: logging,
      logFor: (module) => logging.child(module),
      onEvent,
      onProgress,
      ...(onModuleProgress === undefined ? {} : { onModuleProgress }),
      historyDays,
    }),
    logging,
  };
}

/** The last word of a command that changes something: to the log, and to somebody who sees no log. */
export function sayResult(context: CommandContext, logging: Logger, text: string): void {
  logging.info(text);
  if (context.quiet && !context.json) context.answer(undefined, [text]);
}

/** Both are on one terminal: what is said must not stand behind a half-drawn line. */
function afterClearing({ clear }: Display, log: Logging): Logging {
  const clearing =
    <T extends unknown[], R>(say: (...args: T) => R) =>
    (...args: T): R => {
      clear();
      return say(...args);
    };
  const wrap = (logger: Logger): Logger => ({
    debug: clearing(logger.debug),
    info: clearing(logger.info),
    warn: clearing(logger.warn),
    error: clearing(logger.error),
  });
  return {
    ...wrap(log),
    logMessage: clearing(log.logMessage),
    child: (module) => wrap(log.child(module)),
    close: clearing(log.close),
  };
}

function openLog({ settings, display, verbose, noteLoss }: CommandContext): Logging {
  const { logFile: file, logFormat: fileFormat, logMaxMib } = settings;
  const shown = { ...display.console, level: verbose ? ('debug' as const) : ('info' as const) };
  checkConfiguredPath(file);
  try {
    return createLogging({
      file,
      fileFormat,
      rotation: { maxBytes: logMaxMib * 1024 * 1024 },
      ...shown,
      onLoss: noteLoss,
    });
  } catch (error) {
    if (causeIn(error, ['EACCES', 'EPERM']) !== undefined) {
      throw new SettingsError(reasonOf(error), {
        cause: error,
        hint: 'run it as root, or give paths of your own: --log-file, --modules-path, --state-dir, --backup-dir',
      });
    }
    // A machine without room for a log is one that may need its recovery most.
    if (causeIn(error, ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE']) === undefined) throw error;
    noteLoss();
    const logging = createLogging(shown);
    logging.error(`${reasonOf(error)}; it goes on without the log file`);
    return logging;
  }
}

function causeIn(error: unknown, names: readonly string[]): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const name = errnoName(error);
  return name !== undefined && names.includes(name) ? name : causeIn(error.cause, names);
}
