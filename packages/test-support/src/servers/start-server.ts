import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeEnd, runCommand } from '@homeserver/system';
import { baseSystem, SERVER_PACKAGES } from './base-system.ts';
import { killControlGroups } from './control-groups.ts';
import { makeDisk, type Disk, type DiskKind } from './disk.ts';
import { hostCommand } from './host-command.ts';
import { makeServerDirectory, removeServerDirectory, type ServerDirectory } from './server-directory.ts';

export interface ServerOptions {
  /** Debian packages; default SERVER_PACKAGES. Another list is another base, which takes its own time to build. */
  packages?: readonly string[];
  /** Directories of this machine that the server sees under the same path. */
  shared?: { path: string; writable?: boolean }[];
  /** With 'forgets', a power cut also takes what the server had written and not synced; see `makeDisk`. Default 'keeps'. */
  disk?: DiskKind;
}

/** How a command on a server ended. */
export interface ServerCommandResult {
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}

/** A Debian with a systemd of its own, and no network but `lo`, unless it is connected to another. */
export interface Server {
  /** Its file system as this machine sees it, also while it is off; without what it mounts itself (/run, /tmp, /proc). */
  readonly root: string;
  /** Pid of its PID 1 as this machine sees it; throws while it is off. */
  readonly leader: number;
  /** Runs a line of shell as root and returns its output. Throws when it fails. */
  run(command: string, options?: { timeoutMs?: number }): Promise<string>;
  /** As `run`, for commands that may fail. */
  attempt(command: string, options?: { timeoutMs?: number }): Promise<ServerCommandResult>;
  /** Copies a file or directory of this machine with all its attributes; the directories above it are made. */
  copyIn(from: string, to: string): Promise<void>;
  /** Everything that runs on it is dead at once. What it had written stays, unless its disk forgets. */
  powerCut(): Promise<void>;
  /** After a power cut: starts it, and waits until its services are up. */
  boot(): Promise<void>;
  /** Removes it with all that it was. */
  stop(): Promise<void>;
}

const BOOT_TIMEOUT_MS = 120_000;
const COMMAND_TIMEOUT_MS = 120_000;
const IN_SERVER = ['-m', '-u', '-i', '-n', '-p', '-C', '-r', '-w'];
const CLEAN_ENVIRONMENT = ['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'LANG=C.UTF-8'];

/**
 * Boots a real Debian server in systemd-nspawn (about 3 seconds): an overlay on a base that all servers share. Needs what
 * `describeOnServers` checks. Its owner calls `stop`; what a killed test leaves is removed when the next server starts.
 */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const base = await baseSystem(options.packages ?? SERVER_PACKAGES);
  const directory = await makeServerDirectory();
  try {
    const disk = await makeDisk(directory.path, base, options.disk);
    const server = new NspawnServer(directory, disk, options.shared ?? []);
    await server.furnish();
    await server.boot();
    return server;
  } catch (error) {
    await removeServerDirectory(directory);
    throw error;
  }
}

class NspawnServer implements Server {
  readonly root: string;
  readonly #directory: ServerDirectory;
  readonly #disk: Disk;
  readonly #binds: string[];
  /** Undefined while it is off. */
  #leader: number | undefined;

  constructor(directory: ServerDirectory, disk: Disk, shared: NonNullable<ServerOptions['shared']>) {
    this.#directory = directory;
    this.#disk = disk;
    this.root = disk.root;
    this.#binds = shared.map(({ path: place, writable }) => `--bind${writable ? '' : '-ro'}=${place}`);
  }

  get leader(): number {
    if (this.#leader === undefined) throw new Error('the test server is off');
    return this.#leader;
  }

  async furnish(): Promise<void> {
    await this.#disk.insert();
    fs.writeFileSync(path.join(this.root, 'etc/hostname'), `${this.#directory.id}\n`);
    fs.writeFileSync(path.join(this.root, 'etc/machine-id'), '');
  }

  async boot(): Promise<void> {
    if (this.#leader !== undefined) throw new Error('the server is running');
    const deadline = Date.now() + BOOT_TIMEOUT_MS;
    const console = fs.openSync(this.#consoleLog, 'w');
    const joinGroups =
      'for group do shift; [ "$group" = -- ] && break; echo $$ > "$group/cgroup.procs"; done; exec "$@"';
    const child = spawn('sh', ['-c', joinGroups, 'sh', ...this.#directory.controlGroups, '--', ...this.#nspawn()], {
      detached: true,
      stdio: ['ignore', console, console],
    });
    fs.closeSync(console);
    child.unref();
    let state = '';
    while (!/^(running|degraded)/.test(state)) {
      const hasEnded = child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
      if (hasEnded || Date.now() > deadline) throw this.#bootFailure(state);
      await sleep(50);
      this.#leader ??= firstProcessBelow(child.pid as number);
      if (this.#leader !== undefined) state = (await this.attempt('systemctl is-system-running')).stdout;
    }
  }

  #nspawn(): string[] {
    const name = this.#directory.id;
    const identity = [`--machine=${name}`, `--hostname=${name}`, '--register=no', '--keep-unit'];
    const apart = ['--resolv-conf=off', '--timezone=off', '--link-journal=no', '--private-network'];
    const start = ['--console=pipe', '-D', this.root, '-b', 'systemd.unit=multi-user.target'];
    return ['systemd-nspawn', '--quiet', ...identity, ...apart, ...this.#binds, ...start];
  }

  get #consoleLog(): string {
    return path.join(this.#directory.path, 'console.log');
  }

  #bootFailure(state: string): Error {
    const log = fs.readFileSync(this.#consoleLog, 'utf8').trim();
    return new Error(`the test server does not come up (${state.trim() || 'no answer'}):\n${log.slice(-2000)}`);
  }

  async run(command: string, options?: { timeoutMs?: number }): Promise<string> {
    const result = await this.attempt(command, options);
    if (result.exitCode === 0) return result.stdout;
    throw new Error(`on the test server: ${command}: exit code ${result.exitCode}\n${result.stdout}${result.stderr}`);
  }

  async attempt(command: string, options: { timeoutMs?: number } = {}): Promise<ServerCommandResult> {
    if (this.#leader === undefined) throw new Error(`the test server is off, it cannot run: ${command}`);
    const result = await runCommand(
      ['nsenter', '-t', String(this.#leader), ...IN_SERVER, ...CLEAN_ENVIRONMENT, 'sh', '-c', command],
      { timeoutMs: options.timeoutMs ?? COMMAND_TIMEOUT_MS },
    );
    if (result.timedOut) throw new Error(`on the test server: ${command}: ${describeEnd(result)}`);
    return { exitCode: result.exitCode, stdout: result.stdout.toString(), stderr: result.stderr.toString() };
  }

  async copyIn(from: string, to: string): Promise<void> {
    const target = path.join(this.root, to);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    await hostCommand(['cp', '-a', '-T', '--', from, target]);
  }

  async powerCut(): Promise<void> {
    this.#leader = undefined;
    await this.#disk.forget();
    await killControlGroups(this.#directory.controlGroups);
    await this.#disk.reinsert();
  }

  async stop(): Promise<void> {
    this.#leader = undefined;
    await removeServerDirectory(this.#directory);
  }
}

/** The child of systemd-nspawn that is the first of its PID namespace; the one that prepares the way for it is not. */
function firstProcessBelow(pid: number): number | undefined {
  try {
    const tasks = fs.readdirSync(`/proc/${pid}/task`);
    const children = tasks.flatMap((task) => fs.readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' '));
    const first = children.find((child) => child !== '' && isFirstOfNamespace(child));
    return first === undefined ? undefined : Number(first);
  } catch {
    return undefined; // One of them has just ended: the caller looks again.
  }
}

function isFirstOfNamespace(pid: string): boolean {
  return /^NSpid:.*\t1$/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
}
