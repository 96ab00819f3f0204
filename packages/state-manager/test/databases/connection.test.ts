import { describe, expect, it } from 'vitest';
import { addressOf, connectionSchema, type ServerConnection } from '../../src/databases/connection.ts';
import { coded } from '../expectations.ts';
import { scene } from '../scene.ts';

const server = { type: 'postgresql', database: 'app' };
const sqlite = { type: 'sqlite', database: '/srv/app.db' };

describe('a connection document', () => {
  it('may give its port as text or as a number', () => {
    expect(connectionSchema.parse({ ...server, port: '5433' })).toEqual({ ...server, port: 5433 });
    expect(connectionSchema.parse({ ...server, port: 5433 })).toEqual({ ...server, port: 5433 });
  });

  it.each<[string, unknown, RegExp]>([
    ['null', null, /databases\.0: /],
    ['text', 'postgresql://app', /databases\.0: /],
    [
      'no type',
      { database: 'app' },
      /databases\.0\.type: the type of a database is postgresql, mysql, mariadb or sqlite$/,
    ],
    ['an unknown type', { ...server, type: 'oracle' }, /databases\.0\.type: the type of a database is postgresql/],
    ['no database', { type: 'mysql' }, /databases\.0\.database: /],
    ['an empty name', { ...server, database: '' }, /databases\.0\.database: it is empty$/],
    [
      'a name that starts with "-"',
      { ...server, database: '-rf' },
      /databases\.0\.database: a name that starts with "-"/,
    ],
    ['a name with a NUL', { ...server, database: 'a\0b' }, /databases\.0\.database: it contains a NUL$/],
    [
      'a name that is too long',
      { ...server, database: 'x'.repeat(64) },
      /databases\.0\.database: a name has 63 bytes at most$/,
    ],
    [
      'a relative SQLite path',
      { type: 'sqlite', database: 'app.db' },
      /databases\.0\.database: the path of a SQLite database must be absolute$/,
    ],
    ['SQLite in memory', { type: 'sqlite', database: ':memory:' }, /must be absolute$/],
    [
      'a SQLite path that is not normal',
      { type: 'sqlite', database: '/srv/../x.db' },
      /cannot capture \/srv\/\.\.\/x\.db: write the path without/,
    ],
    ['a SQLite host', { ...sqlite, host: 'x' }, /databases\.0: .*host/],
    ['a port that is none', { ...server, port: 'x' }, /databases\.0\.port: /],
    ['a port out of range', { ...server, port: 70_000 }, /databases\.0\.port: a port is 1 to 65535$/],
    [
      'a relative socket',
      { ...server, socket: 'run' },
      /databases\.0\.socket: a socket is given by its absolute path$/,
    ],
    [
      'a host and a socket',
      { ...server, host: 'x', socket: '/run' },
      /databases\.0: a server is reached by its host or by its socket/,
    ],
    ['a password with a NUL', { ...server, password: 'a\0' }, /databases\.0\.password: it contains a NUL$/],
    ['a password that is no text', { ...server, password: 5 }, /databases\.0\.password: /],
    ['a mistyped password', { ...server, pasword: 'secret' }, /databases\.0: .*pasword/],
    ['a template', { ...server, database: 'template1' }, /new databases are made from it$/],
    ['a system database', { type: 'mysql', database: 'mysql' }, /it belongs to the server itself$/],
  ])('%s gets one clear line, and nothing is touched', async (_, document, message) => {
    const here = scene();
    const state = here.stateManager();
    const request = { databases: [document as Record<string, unknown>] };
    const error = await state.guard('app', request, async () => {}).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ name: 'StateManagerError', message: expect.stringMatching(message) as string });
    expect(String(error)).not.toMatch(/\n|secret/);
    expect(state.hasBackup('app')).toBe(false);
  });

  it('may not name a database twice, however it is reached', async () => {
    const state = scene().stateManager();
    const twice = (...databases: Record<string, unknown>[]): Promise<unknown> =>
      state.backupModuleState('app', { databases });
    const refused = coded('invalid-request', /is asked for twice$/);
    await expect(twice(server, { ...server, host: 'localhost', port: '5432' })).rejects.toThrow(refused);
    await expect(twice({ type: 'mysql', database: 'w' }, { type: 'mariadb', database: 'w' })).rejects.toThrow(refused);
    await expect(twice(sqlite, sqlite)).rejects.toThrow(refused);
  });
});

const address = (more: Partial<ServerConnection>): string =>
  addressOf({ type: 'postgresql', database: 'app', ...more });

describe('the address of a database', () => {
  it('is one for all ways to the server on this machine', () => {
    const local: Partial<ServerConnection>[] = [
      {},
      { host: 'localhost' },
      { host: '127.0.0.1' },
      { host: '::1' },
      { host: '/run/postgresql' },
      { socket: '/var/run/postgresql' },
      { port: 5432, user: 'x', password: 'y' },
    ];
    expect(new Set(local.map(address))).toEqual(new Set(['postgresql://local:5432/app']));
  });

  it('tells other servers, ports, sockets and kinds apart', () => {
    const others: Partial<ServerConnection>[] = [
      {},
      { port: 5433 },
      { host: 'db.example' },
      { socket: '/srv/run' },
      { type: 'mariadb' },
      { database: 'other' },
    ];
    expect(new Set(others.map(address)).size).toBe(others.length);
    expect(address({ type: 'mysql' })).toBe(address({ type: 'mariadb' }));
  });
});
