import fs from 'node:fs';
import { parentPath, showPath, toRawPath, type RawPath } from '@homeserver/system';

/** A process that has a file open, mapped, or as its program or working directory. */
export interface Holder {
  pid: number;
  /** When it was started, in ticks since boot: with the pid, that is one process. */
  startedAt: string;
  /** Its program's name, for people. */
  name: string;
  /** The systemd unit that it belongs to, if any. */
  unit: string | undefined;
  /** The path that it was found by. */
  path: RawPath;
}

const DELETED = ' (deleted)'; // The kernel's mark for a file whose name is gone, see proc_pid_fd(5).

/**
 * The processes that hold one of these real paths, or something below one: the file that is there now, or one that was there
 * before. Those of a container have another root, where the same path is another file. Without root, only one's own
 * processes are seen.
 */
export function findHolders(paths: readonly RawPath[]): Holder[] {
  const wanted = new Set(paths);
  if (wanted.size === 0) return [];
  return otherProcesses().flatMap((pid) => {
    const held = new Set([...openPaths(pid)].map(withoutMark).filter((path) => isAmong(path, wanted)));
    if (held.size === 0 || !sharesOurRoot(pid)) return [];
    const known = { pid: Number(pid), startedAt: startTime(pid), name: commandName(pid), unit: unitOf(pid) };
    return [...held].map((path) => ({ ...known, path }));
  });
}

/** One line for each of these that still lives and has an old file open, which is not what its path stands for now. */
export function describeOutdated(holders: readonly Holder[]): string[] {
  return holders.filter(isOutdated).map(({ pid, name, unit, path }) => {
    const process = unit === undefined ? `process ${pid} (${name})` : `${unit} (process ${pid})`;
    return `${process} still uses the ${showPath(path)} that was there before: restart it`;
  });
}

function isOutdated({ pid, startedAt, path }: Holder): boolean {
  if (startTime(String(pid)) !== startedAt) return false;
  // What was moved aside is shown below the place that it was moved to.
  return [...openPaths(String(pid))].some((open) => open !== path && withoutMark(open).endsWith(path));
}

function otherProcesses(): string[] {
  return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
}

/** As the kernel shows them, with its mark. */
function openPaths(pid: string): Set<RawPath> {
  const descriptors = unlessGone([], () => fs.readdirSync(`/proc/${pid}/fd`));
  const links = ['cwd', 'exe', 'root', ...descriptors.map((name) => `fd/${name}`)];
  const targets = links.flatMap((name) =>
    unlessGone([], () => [toRawPath(fs.readlinkSync(`/proc/${pid}/${name}`, { encoding: 'buffer' }))]),
  );
  const maps = unlessGone('', () => fs.readFileSync(`/proc/${pid}/maps`, 'latin1'));
  const mapped = [...maps.matchAll(/ (\/.*)$/gm)].map(([, path]) => path as RawPath);
  return new Set([...targets, ...mapped].filter((path) => path.startsWith('/')));
}

function withoutMark(path: RawPath): RawPath {
  return (path.endsWith(DELETED) ? path.slice(0, -DELETED.length) : path) as RawPath;
}

function isAmong(path: RawPath, wanted: ReadonlySet<RawPath>): boolean {
  for (let at = path; at !== '/'; at = parentPath(at)) if (wanted.has(at)) return true;
  return false;
}

function sharesOurRoot(pid: string): boolean {
  const ours = fs.statSync('/');
  return unlessGone(false, () => {
    const theirs = fs.statSync(`/proc/${pid}/root`);
    return theirs.dev === ours.dev && theirs.ino === ours.ino;
  });
}

/** Field 22 of /proc/PID/stat, see proc_pid_stat(5); counted from behind the program's name, which may contain blanks. */
function startTime(pid: string): string {
  const stat = unlessGone('', () => fs.readFileSync(`/proc/${pid}/stat`, 'latin1'));
  return stat.slice(stat.lastIndexOf(')')).split(' ')[20] ?? '';
}

function commandName(pid: string): string {
  return unlessGone('?', () => showPath(toRawPath(fs.readFileSync(`/proc/${pid}/comm`)).trim()));
}

/** The first part of its control group that is no slice, in the hierarchy that systemd itself uses: see systemd.slice(5). */
function unitOf(pid: string): string | undefined {
  const lines = unlessGone('', () => fs.readFileSync(`/proc/${pid}/cgroup`, 'utf8')).split('\n');
  const group = lines.find((line) => line.includes(':name=systemd:')) ?? lines.find((line) => line.startsWith('0::'));
  const parts = group?.split('/').slice(1) ?? [];
  return parts.find((part) => /\.(service|scope|socket|mount|swap)$/.test(part));
}

/** Processes end while they are looked at, and some belong to somebody else. */
function unlessGone<T>(otherwise: T, look: () => T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
