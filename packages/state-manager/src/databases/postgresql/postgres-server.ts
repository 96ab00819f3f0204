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

/** What a login finds out about a server. */
interface ServerLook {
  /** When it was started, to the microsecond: no two servers share that. */
  started: string;
  version: string;
  shows_verifiers: boolean;
  may_restore: boolean;
}

/** One server as one login sees it; each call is a client program of its own. */
export class PostgresServer implements LoginCandidate {
  readonly login: PostgresLogin;
  readonly programs: ClientPrograms;
  /** What it is asked for: the database, and its whole address. */
  readonly database: string;
  readonly address: string;
  readonly purpose: Purpose;
  #seen: ServerLook | undefined;

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

  /**
   * Runs SQL: text, or bytes in the encoding of the database. It goes through standard input: it may hold secrets. Names in it
   * must be quoted: an unquoted backslash would be a command for psql itself.
   */
  async sql(
    text: string | Buffer,
    database: string,
    options: { code?: StateManagerErrorCode; doing?: string } = {},
  ): Promise<string> {
    const args = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-w', '-d', this.conninfo(database), '-f', '-'];
    const input = typeof text === 'string' ? `SET client_encoding = 'UTF8';\n${text}` : text;
    return (await this.must('psql', args, { ...options, input })).stdout.toString();
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
      await this.#look();
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  async identity(): Promise<string> {
    return (await this.#look()).started;
  }

  async mayRestore(): Promise<boolean> {
    return (await this.#look()).may_restore;
  }

  /** The major version of the server. */
  async version(): Promise<number> {
    return Math.floor(Number((await this.#look()).version) / 10_000);
  }

  /** Whether it shows us what it stores of passwords. */
  async showsVerifiers(): Promise<boolean> {
    return (await this.#look()).shows_verifiers;
  }

  /** Asks once. Some logins are let into their own database alone: then they may restore nothing. */
  async #look(): Promise<ServerLook> {
    this.#seen ??= await this.#lookFrom(this.maintenance()).catch(async (error: unknown) => {
      const look = await this.#lookFrom(this.database).catch(() => undefined);
      if (look === undefined) throw error;
      return { ...look, may_restore: false };
    });
    return this.#seen;
  }

  async #lookFrom(database: string): Promise<ServerLook> {
    const foreign = `SELECT FROM pg_database WHERE datname = ${literal(this.database)} AND NOT pg_has_role(datdba, 'USAGE')`;
    const [look] = await this.rows<ServerLook>(
      `SELECT pg_postmaster_start_time()::text AS started, current_setting('server_version_num') AS version,
         has_table_privilege('pg_authid', 'SELECT') AS shows_verifiers,
         rolsuper OR rolcreatedb AND NOT EXISTS (${foreign}) AS may_restore
       FROM pg_roles WHERE rolname = current_user`,
      database,
    );
    return look as ServerLook;
  }
}
