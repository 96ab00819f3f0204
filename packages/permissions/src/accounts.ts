import fs from 'node:fs';
import { errnoName, ioError, runCommand } from '@homeserver/system';
import { PermissionError } from './errors.ts';

export type AccountKind = 'user' | 'group';

const databases = {
  user: { file: '/etc/passwd', getent: 'passwd' },
  group: { file: '/etc/group', getent: 'group' },
} as const;
const LOOKUP_TIMEOUT_MS = 20_000;
const LARGEST_ID = 2 ** 32 - 2; // The next one means "leave it as it is" to chown(2).

/**
 * Numeric ids of the users and groups of this machine. Names are looked for in /etc/passwd and /etc/group, then with
 * getent(1), which also asks a directory service. One instance answers from the state it found first.
 */
export class Accounts {
  readonly #known = new Map<string, Promise<number | undefined>>();
  readonly #files = new Map<AccountKind, Map<string, number>>();

  /** The id of a name, or a number (also as text) itself. Throws 'unknown-account', naming `field` and the account. */
  async idOf(kind: AccountKind, account: string | number, field: string): Promise<number> {
    if (typeof account === 'number' || /^\d+$/.test(account)) {
      const id = Number(account);
      if (Number.isInteger(id) && id >= 0 && id <= LARGEST_ID) return id;
      throw new PermissionError('invalid-target', `${field}: ${account} is not the id of a ${kind}`);
    }
    const key = `${kind} ${account}`;
    const looking = this.#known.get(key) ?? this.#lookUp(kind, account);
    this.#known.set(key, looking);
    const id = await looking;
    if (id !== undefined) return id;
    throw new PermissionError('unknown-account', `${field}: there is no ${kind} ${JSON.stringify(account)} here`, {
      hint: `see: getent ${databases[kind].getent}`,
    });
  }

  async #lookUp(kind: AccountKind, name: string): Promise<number | undefined> {
    const { file, getent } = databases[kind];
    const ids = this.#files.get(kind) ?? idsIn(file);
    this.#files.set(kind, ids);
    if (ids.has(name) || /^-|[:\n\0]/.test(name)) return ids.get(name);
    try {
      const { exitCode, stdout } = await runCommand(['getent', getent, name], { timeoutMs: LOOKUP_TIMEOUT_MS });
      return exitCode === 0 ? idsFrom(stdout.toString()).get(name) : undefined;
    } catch {
      return undefined; // Without getent there is nobody else to ask.
    }
  }
}

function idsIn(file: string): Map<string, number> {
  try {
    return idsFrom(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return new Map();
    throw ioError('read', file, error);
  }
}

/** The third field of both databases is the id; the first line of a name counts, as for the C library. */
function idsFrom(text: string): Map<string, number> {
  const ids = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [name, , id] = line.split(':');
    if (name && id !== undefined && /^\d+$/.test(id) && !ids.has(name)) ids.set(name, Number(id));
  }
  return ids;
}
