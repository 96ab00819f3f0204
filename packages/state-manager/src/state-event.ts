import type { Progress } from './progress.ts';

/* What is told to programs of a capture, a restore or a check while it goes on. */

export type ProgressEvent = Progress & { type: 'progress' };

/** A backup (by its module) or a snapshot (by its id) that is re-read. */
export interface VerifyEvent {
  type: 'verify';
  name: string;
  state: 'begun' | 'good' | 'damaged';
}
