/** How far a fetch has come, by git's own count. */
export interface FetchProgress {
  /** Objects are received; then those that came as differences to others are resolved. */
  step: 'receive' | 'resolve';
  objectsDone: number;
  objectsTotal: number;
  /** Received so far, rounded as git does for people; 0 until it tells. */
  bytesDone: number;
}

export interface Received {
  objects: number;
  bytes: number;
}

/** Called as often as git tells, and with the end of each step. It must not throw. */
export type OnFetchProgress = (progress: FetchProgress) => void;

/** What git writes with --progress and LC_ALL=C; what a server sends for people has `remote: ` before it. */
const told = /^(Receiving objects|Resolving deltas): +\d+% \((\d{1,12})\/(\d{1,12})\)(?:, ([\d.]+) (bytes|[KMG]iB))?/;
const scales: Readonly<Record<string, number>> = { bytes: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
const LONGEST_LINE = 200;

/** Reads git's progress on its standard error, chunk by chunk; of what one chunk brings, the last of each step is told. */
export function fetchProgressReader(onProgress: OnFetchProgress): (chunk: Buffer) => void {
  let rest = '';
  let bytesDone = 0;
  return (chunk) => {
    const lines = (rest + chunk.toString('latin1')).split(/[\r\n]/);
    rest = (lines.pop() ?? '').slice(0, LONGEST_LINE);
    const last = new Map<FetchProgress['step'], FetchProgress>();
    for (const line of lines) {
      const [, what, done, total, amount, unit = ''] = told.exec(line) ?? [];
      if (what === undefined) continue;
      if (amount !== undefined) bytesDone = Math.round(Number(amount) * (scales[unit] ?? 1));
      const step = what === 'Receiving objects' ? 'receive' : 'resolve';
      last.set(step, { step, objectsDone: Number(done), objectsTotal: Number(total), bytesDone });
    }
    for (const progress of last.values()) onProgress(progress);
  };
}

/** For people, in one line: `receiving: 136 of 302 objects, 2.6 MiB`. */
export function describeFetch({ step, objectsDone, objectsTotal, bytesDone }: FetchProgress): string {
  const objects = `${objectsDone} of ${objectsTotal} objects`;
  return step === 'resolve' ? `resolving: ${objects}` : `receiving: ${objects}, ${formatBytes(bytesDone)}`;
}

/** What a fetch has brought: `302 objects, 5.7 MiB`. */
export function describeReceived({ objects, bytes }: Received): string {
  return `${objects} object${objects === 1 ? '' : 's'}, ${formatBytes(bytes)}`;
}

function formatBytes(bytes: number): string {
  const [unit, scale] = Object.entries(scales).findLast(([, size]) => bytes >= size) ?? ['bytes', 1];
  return `${(bytes / scale).toFixed(scale === 1 ? 0 : 1)} ${unit}`;
}
