/** What the doctor looks at, in this order. */
export type CheckName =
  | 'paths'
  | 'disk'
  | 'clock'
  | 'git'
  | 'openssh'
  | 'trust'
  | 'lock'
  | 'journal'
  | 'mirror'
  | 'index'
  | 'backups'
  | 'timer'
  | 'package';

/** One thing that was looked at. A warning can wait; an error keeps updates, or the way back from one, from working. */
export interface Finding {
  check: CheckName;
  status: 'ok' | 'warning' | 'error';
  /** One line. */
  message: string;
  /** The command that mends it, or what to do where there is none. */
  mend?: string;
  /** Mends it, where that is safe without being asked. It is called under the lock. */
  fix?: () => void | Promise<void>;
}

export type CheckResult = Omit<Finding, 'check'>;

export const ok = (message: string): CheckResult => ({ status: 'ok', message });

export const warning = (message: string, mend: string, fix?: Finding['fix']): CheckResult => ({
  status: 'warning',
  message,
  mend,
  ...(fix === undefined ? {} : { fix }),
});

export const error = (message: string, mend: string, fix?: Finding['fix']): CheckResult => ({
  ...warning(message, mend, fix),
  status: 'error',
});
