import type { OnProgress, Progress } from './progress.ts';

/** A terminal, or whatever stands in its place. */
export interface ProgressTerminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** One line at the bottom of a terminal that is drawn over and over. */
export interface ProgressLine {
  readonly onProgress: OnProgress;
  /** Takes the line away, so that something else can be written there. */
  clear(): void;
}

const CLEAR = '\r\x1b[K';
const DEFAULT_COLUMNS = 80;

/** Draws progress on a terminal, without colours. Where there is none (a pipe, TERM=dumb), it stays silent. */
export function progressLine(terminal: ProgressTerminal, term: string | undefined = process.env['TERM']): ProgressLine {
  if (!terminal.isTTY || term === 'dumb') return { onProgress: () => {}, clear: () => {} };
  let isDrawn = false;
  return {
    onProgress: (progress) => {
      const room = (terminal.columns ?? DEFAULT_COLUMNS) - 1; // A full line would wrap, and stay.
      terminal.write(`${CLEAR}${describeProgress(progress).slice(0, room)}`);
      isDrawn = true;
    },
    clear: () => {
      if (isDrawn) terminal.write(CLEAR);
      isDrawn = false;
    },
  };
}

const doing: Readonly<Record<Progress['phase'], string>> = {
  capture: 'backing up',
  restore: 'putting back',
  verify: 'checking',
};

/** For people, in one line: `backing up: 1200 of 50000 files, 4.7 of 195.3 MiB, 12.5 MiB/s, 0:15 left`. */
export function describeProgress(progress: Progress): string {
  const {
    phase,
    unit: counted = 'files',
    filesDone,
    filesTotal,
    bytesDone,
    bytesTotal,
    bytesPerSecond,
    remainingMs,
  } = progress;
  const [unit, scale] = unitFor(Math.max(bytesDone, bytesTotal ?? 0));
  const amount = (bytes: number): string => (bytes / scale).toFixed(scale === 1 ? 0 : 1);
  const [rateUnit, rateScale] = unitFor(bytesPerSecond);
  return [
    `${doing[phase]}: ${ofTotal(String(filesDone), filesTotal?.toString())} ${counted}`,
    `${ofTotal(amount(bytesDone), bytesTotal === undefined ? undefined : amount(bytesTotal))} ${unit}`,
    `${(bytesPerSecond / rateScale).toFixed(rateScale === 1 ? 0 : 1)} ${rateUnit}/s`,
    ...(remainingMs === undefined ? [] : [`${formatDuration(remainingMs)} left`]),
  ].join(', ');
}

function ofTotal(done: string, total: string | undefined): string {
  return total === undefined ? done : `${done} of ${total}`;
}

function unitFor(bytes: number): [string, number] {
  const units: [string, number][] = [
    ['GiB', 1024 ** 3],
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
  ];
  return units.find(([, scale]) => bytes >= scale) ?? ['B', 1];
}

/** `0:05`, `12:30`, `3:00:00`. */
function formatDuration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, at) => (at === 0 ? String(part) : String(part).padStart(2, '0'))).join(':');
}
