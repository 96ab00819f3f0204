import path from 'node:path';
import { childEnvironment, runCommand, type CommandOptions, type CommandResult } from '@homeserver/system';
import type { StateManagerErrorCode } from '../../errors.ts';
import type { LoginCandidate, Purpose } from '../choose-login.ts';
import { clientFailure } from '../client-failure.ts';
import { addressOf, type ServerConnection } from '../connection.ts';
import { scratchName } from '../beside-names.ts';
import type { ClientPrograms } from './client-programs.ts';
import { identifier } from './sql-text.ts';

/** As whom, and how, we speak to a server. */
export interface MariadbLogin {
  host: string | undefined;
  port: number | undefined;
  socket: string | undefined;
  user: string | undefined;
  password: string | undefined;
}

interface Saying {
  code?: StateManagerErrorCode;
  doing?: string;
}

const UNLOGGED = 'SET SESSION sql_log_bin = 0';

/** One server as one login sees it; each call is a client program of its own. */
export class MariadbServer implements LoginCandidate {
  readonly login: MariadbLogin;
  readonly programs: ClientPrograms;
  readonly database: string;
  readonly address: string;
  readonly purpose: Purpose;
  #unlogged: Promise<boolean> | undefined;

  constructor(login: MariadbLogin, programs: ClientPrograms, connection: ServerConnection, purpose: Purpose) {
    this.login = login;
    this.programs = programs;
    this.database = connection.database;
    this.address = addressOf(connection);
    this.purpose = purpose;
  }

  /** The password goes by the environment of this one child: nothing is left on the disk, not even for a moment. */
  async #run(program: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
    const { password } = this.login;
    const secret = password === undefined ? {} : { MYSQL_PWD: password };
    const env = childEnvironment({ LC_ALL: 'C.UTF-8', ...secret });
    return runCommand([program, '--no-defaults', ...this.#place(), ...args], { cwd: '/', ...options, env });
  }

  #place(): string[] {
    const { host, port, socket, user } = this.login;
    // For these programs "localhost" is the usual socket, unless they are told otherwise.
    const isTcp = socket === undefined && host !== undefined && (host !== 'localhost' || port !== undefined);
    const options = { host, port, socket, user, protocol: socket === undefined ? isTcp && 'tcp' : 'socket' };
    const given = Object.entries(options).filter(([, value]) => value !== undefined && value !== false);
    return [...given.map(([name, value]) => `--${name}=${value}`), '--default-character-set=utf8mb4'];
  }

  failure(result: CommandResult, { code, doing }: Saying = {}): Error {
    const what = `cannot ${this.purpose} ${this.address}${doing === undefined ? '' : `: ${doing}`}`;
    return clientFailure({ code: code ?? `cannot-${this.purpose}`, what }, result, [this.login.password]);
  }

  /** Runs the dump program; throws its reason when it fails. */
  async dump(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const result = await this.runDump(args, options);
    if (result.exitCode === 0) return result;
    throw this.failure(result, { doing: path.basename(this.programs.dump) });
  }

  /** Runs the dump program; how it ended is a value. */
  async runDump(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const common = ['--max-allowed-packet=1G', '--hex-blob', '--skip-dump-date'];
    const optional = ['--no-tablespaces', '--set-gtid-purged=OFF', '--column-statistics=0'];
    const known = optional.filter((one) => this.programs.dumpOptions.has(one.slice(2).split('=')[0] as string));
    return this.#run(this.programs.dump, [...common, ...known, ...args], options);
  }

  /**
   * Runs SQL, text or an open file, and returns what it answers, a line per row. It goes through standard input: it may hold
   * secrets. Of the client's own commands only DELIMITER is obeyed: a dump could hold others, which would run as we do.
   * `unlogged`: replicas do not hear of it. `force`: a statement that fails does not keep the others from being run.
   */
  async sql(
    input: string | Uint8Array | number,
    database: string | undefined,
    saying: Saying & { unlogged?: boolean; force?: boolean } = {},
  ): Promise<string> {
    const session = [
      ...(saying.unlogged && (await this.#mayBeUnlogged()) ? [`--init-command=${UNLOGGED}`] : []),
      ...(saying.force ? ['--force'] : []),
    ];
    const where = database === undefined ? [] : [`--database=${database}`];
    const args = [
      '--batch',
      '--raw',
      '--skip-column-names',
      '--binary-mode',
      '--connect-timeout=10',
      '--max-allowed-packet=1G',
      ...session,
      ...where,
    ];
    const result = await this.#run(this.programs.client, args, { input, maxOutputBytes: 256 * 1024 * 1024 });
    if (result.exitCode === 0 || saying.force) return result.stdout.toString();
    throw this.failure(result, saying);
  }

  /** The rows of a SELECT of one JSON object each. */
  async rows<Row>(select: string): Promise<Row[]> {
    const answer = await this.sql(`${select};`, undefined);
    return answer
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Row);
  }

  async has(database: string): Promise<boolean> {
    return (await this.databases()).includes(database);
  }

  async databases(): Promise<string[]> {
    const rows = await this.rows<{ name: string }>(
      `SELECT JSON_OBJECT('name', SCHEMA_NAME) FROM information_schema.SCHEMATA ORDER BY SCHEMA_NAME`,
    );
    return rows.map(({ name }) => name);
  }

  /** Whether there is a log that replicas follow, and this login may keep a session out of it. */
  async #mayBeUnlogged(): Promise<boolean> {
    this.#unlogged ??= this.sql(`${UNLOGGED}; SELECT @@log_bin;`, undefined).then(
      (answer) => answer.trim() === '1',
      () => false,
    );
    return this.#unlogged;
  }

  async refusal(): Promise<Error | undefined> {
    try {
      await this.sql('SELECT 1;', undefined);
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  async identity(): Promise<string> {
    return this.sql('SELECT @@hostname, @@port, @@datadir, @@pid_file, @@server_id;', undefined);
  }

  async mayRestore(): Promise<boolean> {
    const scratch = identifier(scratchName(this.database));
    const trial = `DROP DATABASE IF EXISTS ${scratch}; CREATE DATABASE ${scratch}; DROP DATABASE ${scratch};`;
    return this.sql(trial, undefined, { unlogged: true }).then(
      () => true,
      () => false,
    );
  }
}
