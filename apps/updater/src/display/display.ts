import { Writable } from 'node:stream';
import type { LoggingOptions } from '@homeserver/logging';
import type { CycleEvent, OnModuleProgress } from '@homeserver/orchestrator';
import { progressLine, type OnProgress, type VerifyEvent } from '@homeserver/state-manager';
import { eventLines } from './event-lines.ts';
import { LiveList } from './live-list.ts';
import { textFor } from './marks.ts';

/** What can be seen: of a cycle, and of backups and snapshots that are re-read. */
export type SeenEvent = CycleEvent | VerifyEvent;

/** What somebody sees of a command while it works. */
export interface Display {
  onEvent(this: void, event: SeenEvent): void;
  readonly onProgress: OnProgress;
  /** undefined: nobody sees it. */
  readonly onModuleProgress?: OnModuleProgress;
  /** Where log messages go, and from which level on. */
  readonly console: Pick<LoggingOptions, 'console' | 'consoleStream' | 'consoleLevel' | 'consoleText'>;
  /** Takes away what is drawn, so that something else can be written there. */
  clear(): void;
  /** Nothing is drawn any more. */
  end(): void;
}

export interface Seeing {
  /** An answer for programs on stdout: the log goes to stderr. */
  json: boolean;
  /** Events too. */
  jsonLines: boolean;
  quiet: boolean;
  verbose: boolean;
}

const silent = (): void => {};
/** Of the others, the progress of what they capture or restore is all there is to see. */
const listed: ReadonlySet<string> = new Set(['run', 'check', 'plan', 'backups-verify', 'snapshots-verify']);

/** For programs that want it, events; at a terminal what is going on, drawn over and over; else the log alone. */
export function openDisplay(command: string, { json, jsonLines, quiet, verbose }: Seeing): Display {
  const console = {
    consoleStream: json ? 2 : 1,
    consoleText: textFor(json ? process.stderr : process.stdout, process.env),
    ...(quiet ? { consoleLevel: 'warning' as const } : {}),
  };
  if (jsonLines) return { ...eventLines((line) => process.stdout.write(line)), console, clear: silent, end: silent };
  if (quiet) return { onEvent: silent, onProgress: silent, console, clear: silent, end: silent };
  const isCycle = command === 'run';
  const terminal = isCycle ? process.stdout : process.stderr;
  const isDrawn = terminal.isTTY && process.env['TERM'] !== 'dumb' && !json && !verbose;
  if (!isDrawn || !listed.has(command)) {
    const { onProgress, clear } = progressLine(process.stderr);
    return { onEvent: silent, onProgress, console, clear, end: clear };
  }
  const list = new LiveList(terminal, { keepsEnded: isCycle });
  return {
    onEvent: (event) => list.onEvent(event),
    onProgress: (progress) => list.onProgress(progress),
    onModuleProgress: (module, progress) => list.onProgress(progress, module),
    console: isCycle ? { console: 'json', consoleStream: logStream(list), consoleLevel: 'warning' } : console,
    clear: () => list.clear(),
    end: () => list.end(),
  };
}

/** Messages as they come, one JSON line at a time. */
function logStream(list: LiveList): Writable {
  return new Writable({
    decodeStrings: false,
    write: (line: string, _, done) => {
      list.showMessage(JSON.parse(line) as Parameters<LiveList['showMessage']>[0]);
      done();
    },
  });
}
