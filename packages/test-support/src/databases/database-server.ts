import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeEnd, runCommand } from '@homeserver/system';

/** A database server of a test's own: in a temporary directory, empty, with an administrator who needs no password at its socket. */
export interface DatabaseServer {
  /** The directory of its socket (PostgreSQL), or the socket itself (MariaDB). */
  readonly socket: string;
  /** On 127.0.0.1, where everybody needs a password. */
  readonly port: number;
  /** Runs SQL as the administrator, and returns the rows that it answers with, one a line. Throws when it fails. */
  sql(text: string, database?: string): Promise<string>;
  /** Ends it as a crash of the machine would, and removes all of it. */
  stop(): Promise<void>;
}

/** A daemon in a directory of its own, which ends with the process that started it. */
export interface Daemon {
  readonly directory: string;
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 120_000;

/** A new directory that belongs to `account`, as servers want it. */
export async function makeServerHome(account: string): Promise<string> {
  const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'homeserver-db-')));
  if (process.getuid?.() === 0) await command(['chown', `${account}:`, directory]);
  return directory;
}

/** The command as `account` runs it, when the tests are root: servers refuse to run as root. */
export function asAccount(account: string, argv: readonly string[]): [string, ...string[]] {
  const identity = [`--reuid=${account}`, `--regid=${account}`, '--init-groups'];
  return ['setpriv', '--pdeathsig', 'KILL', ...(process.getuid?.() === 0 ? identity : []), ...argv];
}

/** Starts the daemon and waits until `isUp`. Throws what it said when it ends or takes too long. */
export async function startDaemon(
  directory: string,
  argv: readonly [string, ...string[]],
  isUp: () => Promise<boolean>,
): Promise<Daemon> {
  const log = path.join(directory, 'log');
  const output = fs.openSync(log, 'a');
  const [file, ...args] = argv;
  const child = spawn(file, args, { cwd: '/', stdio: ['ignore', output, output] });
  fs.closeSync(output);
  const closed = once(child, 'close');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await closed;
    await removeInUse(directory);
  };
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await isUp())) {
    if (child.exitCode === null && child.signalCode === null && Date.now() < deadline) {
      await sleep(50);
      continue;
    }
    const said = fs.readFileSync(log, 'utf8').slice(-2000);
    await stop();
    throw new Error(`${file} does not come up:\n${said}`);
  }
  return { directory, child, stop };
}

/** The daemon's own children notice a moment later that it is gone, and may write until then. */
async function removeInUse(directory: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      fs.rmSync(directory, { recursive: true, force: true });
      return;
    } catch (error) {
      if (attempt === 50) throw error;
      await sleep(100);
    }
  }
}

/** A TCP port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** The output of a command; throws when it fails. */
export async function command(argv: readonly [string, ...string[]], input?: string): Promise<string> {
  const result = await runCommand(argv, { cwd: '/', ...(input === undefined ? {} : { input }) });
  if (result.exitCode === 0) return result.stdout.toString();
  throw new Error(`${argv[0]}: ${describeEnd(result)}: ${result.stderr.toString()}${result.stdout.toString()}`);
}
