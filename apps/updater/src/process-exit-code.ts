import { constants } from 'node:os';

/** What the shell sees of a process that did the work in our place; 1 when there never was one. */
export function exitCodeOfProcess(end: { exitCode: number | undefined; signal: NodeJS.Signals | undefined }): number {
  return end.signal === undefined ? (end.exitCode ?? 1) : exitCodeOfSignal(end.signal);
}

/** 128 + n after signal n. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
