/** The names of the levels as they stand in a line. */
export type LevelName = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';

/** One message, as a JSON line has it. */
export interface LogRecord {
  /** Unix seconds, to the millisecond. */
  time: number;
  level: LevelName;
  /** The module that said it; absent for the updater itself. */
  module?: string;
  message: string;
}

/** `[2024-12-08 10:30:15] [INFO] Update started`, local time; a module's message starts with its name. */
export function formatLine({ time, level, module, message }: LogRecord): string {
  return `[${localTime(new Date(time * 1000))}] [${level}] ${module === undefined ? '' : `${module}: `}${message}\n`;
}

/** The levels of syslog(3), as sd-daemon(3) wants them before a line. */
const priorities: Readonly<Record<LevelName, number>> = { DEBUG: 7, INFO: 6, WARNING: 4, ERROR: 3 };

/** `<6>Update started`: the journal keeps level and time apart from the message. */
export function formatJournalLine({ level, module, message }: LogRecord): string {
  return `<${priorities[level]}>${module === undefined ? '' : `${module}: `}${message}\n`;
}

const two = (number: number): string => String(number).padStart(2, '0');

function localTime(date: Date): string {
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${[two(date.getHours()), two(date.getMinutes()), two(date.getSeconds())].join(':')}`;
}
