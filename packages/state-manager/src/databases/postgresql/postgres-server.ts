import path from 'node:path';
import { childEnvironment, runCommand, type CommandOptions, type CommandResult } from '@homeserver/system';
import type { StateManagerErrorCode } from '../../errors.ts';
import type { LoginCandidate, Purpose } from '../choose-login.ts';
import { clientFailure } from '../client-failure.ts';
import { addressOf, type ServerConnection } from '../connection.ts';
import type { ClientPrograms } from './client-programs.ts';
import { conninfoValue, literal } from './sql-text.ts';

/** As whom, and how, we speak to a server. */
export interface PostgresLogin {
  /** A name, an address, or the directory of a socket; undefined: where the client programs look by themselves. */
  host: string | undefined;
  port: number;
  user: string | undefined;
  password: string | undefined;
  /** The account of this machine that the client programs run as: the server takes its word for the user ("peer"). */
  account: string | undefined;
}

const LANGUAGE = { LC_ALL: 'C.UTF-8' };
const CONNECT_TIMEOUT_S = 10;
/** Whatever the role or the database has set: our sessions wait as long as it takes, and read strings as we write them. */
const SESSION = '-c standard_conforming_strings=on -c statement_timeout=0 -c idle_in_transaction_session_timeout=0';

/** One server as one login sees it; each call is a client program of its own. */
export class PostgresServer implements LoginCandidate {
  readonly login: PostgresLogin;
  readonly programs: ClientPrograms;
  /** What it is asked for: the database, and its whole address. */
  readonly database: string;
  readonly address: string;
  readonly purpose: Purpose;

  constructor(login: PostgresLogin, programs: ClientPrograms, connection: ServerConnection, purpose: Purpose) {
    this.login = login;
    this.programs = programs;
    this.database = connection.database;
    this.address = addressOf(connection);
    this.purpose = purpose;
  }

  /** Without the password: this may be seen by everybody on the machine. */
  conninfo(database: string): string {
    const { host, port, user } = this.login;
    const parts = { host, port: String(port), user, dbname: database, connect_timeout: String(CONNECT_TIMEOUT_S) };
    const given = Object.entries(parts).filter((part): part is [string, string] => part[1] !== undefined);
    return given.map(([name, value]) => `${name}=${conninfoValue(value)}`).join(' ');
  }

  /** Runs one of the client programs; how it ended is a value. */
  async run(program: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const { account, password } = this.login;
    const argv = [path.join(this.programs.directory, program), ...args];
    const identity = [`--reuid=${account}`, `--regid=${account}`, '--init-groups', '--'];
    const [file, ...rest] = account === undefined ? argv : ['setpriv', ...identity, ...argv];
    return runCommand([file as string, ...rest], {
      cwd: '/',
      ...options,
      env: childEnvironment({
        ...LANGUAGE,
        PGAPPNAME: 'homeserver-updates',
        PGOPTIONS: SESSION,
        ...(password === undefined ? {} : { PGPASSWORD: password }),
      }),
    });
  }

  /** Runs a client program that talks to no server, as ourselves: it may read our files. */
  async runHere(program: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand([path.join(this.programs.directory, program), ...args], {
      cwd: '/',
      ...options,
      env: childEnvironment(LANGUAGE),
    });
  }

  /** As `run`; throws the program's own reason when it fails: 'cannot-capture' or 'cannot-restore' unless `code` says otherwise. */
  async must(
    program: string,
    args: readonly string[],
    options: CommandOptions & { code?: StateManagerErrorCode; doing?: string } = {},
  ): Promise<CommandResult> {
    const result = await this.run(program, args, options);
    if (result.exitCode === 0) return result;
    throw this.failure(result, options);
  }

  failure(result: CommandResult, { code, doing }: { code?: StateManagerErrorCode; doing?: string } = {}): Error {
    const what = `cannot ${this.purpose} ${this.address}${doing === undefined ? '' : `: ${doing}`}`;
    return clientFailure({ code: code ?? `cannot-${this.purpose}`, what }, result, [this.login.password]);
  }

  /** Runs SQL. It goes through standard input: it may hold secrets. */
  async sql(
    text: string,
    database: string,
    options: { code?: StateManagerErrorCode; doing?: string } = {},
  ): Promise<string> {
    const args = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-w', '-d', this.conninfo(database), '-f', '-'];
    return (await this.must('psql', args, { ...options, input: text })).stdout.toString();
  }

  /** The rows of one SELECT, as JSON has them. */
  async rows<Row>(select: string, database: string = this.maintenance()): Promise<Row[]> {
    const text = await this.sql(`SELECT coalesce(json_agg(r), '[]') FROM (${select}) r;`, database);
    return JSON.parse(text) as Row[];
  }

  /** Statements about databases, from a session in none of them. */
  async manage(text: string, options: { code?: StateManagerErrorCode; doing?: string } = {}): Promise<void> {
    await this.sql(text, this.maintenance(), options);
  }

  /** The database in which to stand while the one that it is about is renamed or dropped. */
  maintenance(): string {
    return this.database === 'postgres' ? 'template1' : 'postgres';
  }

  async refusal(): Promise<Error | undefined> {
    try {
      await this.#askAnywhere('SELECT 1');
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  async identity(): Promise<string> {
    const started = 'extract(epoch FROM pg_postmaster_start_time()) AS started';
    return JSON.stringify(await this.#askAnywhere(`SELECT ${started}, max(oid::bigint) AS newest FROM pg_database`));
  }

  async mayRestore(): Promise<boolean> {
    const ownsAll = `NOT EXISTS (SELECT FROM pg_database
      WHERE datname = ${literal(this.database)} AND NOT pg_has_role(datdba, 'USAGE'))`;
    const select = `SELECT rolsuper OR rolcreatedb AND ${ownsAll} AS may FROM pg_roles WHERE rolname = current_user`;
    try {
      return (await this.rows<{ may: boolean }>(select))[0]?.may ?? false;
    } catch {
      return false; // It is let into its own database alone.
    }
  }

  /** The major version of the server. */
  async version(): Promise<number> {
    const [answer] = await this.rows<{ number: string }>(`SELECT current_setting('server_version_num') AS number`);
    return Math.floor(Number(answer?.number) / 10_000);
  }

  /** Some logins are let into their own database alone. */
  async #askAnywhere(select: string): Promise<unknown[]> {
    try {
      return await this.rows(select);
    } catch (error) {
      return this.rows(select, this.database).catch(() => {
        throw error;
      });
    }
  }
}
