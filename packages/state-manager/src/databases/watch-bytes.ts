import fs from 'node:fs';
import type { ProgressMeter } from '../progress.ts';

const INTERVAL_MS = 200;

/** Tells a meter now and then how far something has come that another program, or another thread, does in `act`. */
export async function watchBytes<T>(
  meter: ProgressMeter | undefined,
  bytesSoFar: () => number,
  act: () => Promise<T>,
): Promise<T> {
  let told = 0;
  const tell = (): void => {
    const bytes = quietly(bytesSoFar);
    if (bytes > told) meter?.add(0, bytes - told);
    told = Math.max(told, bytes);
  };
  const timer = meter === undefined ? undefined : setInterval(tell, INTERVAL_MS);
  try {
    const result = await act();
    tell();
    return result;
  } finally {
    clearInterval(timer);
  }
}

/** How far an open file has been read, also by a child that shares the descriptor. */
export function bytesRead(fd: number): number {
  return Number(/^pos:\s*(\d+)/.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? 0);
}

/** How much an open file holds. */
export function bytesWritten(fd: number): number {
  return fs.fstatSync(fd).size;
}

/** It is only for people: it must not make anything fail. */
function quietly(bytesSoFar: () => number): number {
  try {
    return bytesSoFar();
  } catch {
    return 0;
  }
}
