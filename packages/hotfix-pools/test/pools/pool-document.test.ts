import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { HotfixError, readHotfixDocument, type PoolDocument } from '../../src/index.ts';
import { Server } from '../server.ts';

const metadata = { schema_version: '1.0.0' };
const operation = { target: 'a', destination: '/srv/a' };
const pool = { id: 'web', operations: [operation] };

const refused: [what: string, document: unknown, line: string][] = [
  ['an empty file', '', 'cannot read FILE: it is not JSON: Unexpected end of JSON input'],
  ['no object', '[]', 'cannot use FILE: must be an object'],
  ['no metadata', { pools: [] }, 'cannot use FILE: metadata: is missing'],
  ['no schema_version', { metadata: {}, pools: [] }, 'cannot use FILE: metadata.schema_version: is missing'],
  ['no pools', { metadata }, 'cannot use FILE: pools: is missing'],
  ['pools that are no list', { metadata, pools: {} }, 'cannot use FILE: pools: must be an array'],
  ['a pool that is text', { metadata, pools: ['web'] }, 'cannot use FILE: pools[0]: must be an object'],
  ['no id', { metadata, pools: [pool, { operations: [operation] }] }, 'cannot use FILE: pools[1].id: is missing'],
  [
    'a bad id',
    { metadata, pools: [{ ...pool, id: 'Web/..' }] },
    'cannot use FILE: pools[0].id: must be 1 to 50 lower-case letters, digits, "-" and "_", starting with a letter or a digit',
  ],
  [
    'a long id',
    { metadata, pools: [{ ...pool, id: 'a'.repeat(51) }] },
    'cannot use FILE: pools[0].id: must be 1 to 50 lower-case letters, digits, "-" and "_", starting with a letter or a digit',
  ],
  [
    'a duplicate id',
    { metadata, pools: [pool, { ...pool, id: 'other' }, pool] },
    'cannot use FILE: pools[2].id: "web" is the id of pools[0] already',
  ],
  ['no operations', { metadata, pools: [{ id: 'web' }] }, 'cannot use FILE: pools[0].operations: is missing'],
  [
    'empty operations',
    { metadata, pools: [pool, { id: 'b', operations: [] }] },
    'cannot use FILE: pools[1].operations: must have at least one operation',
  ],
  [
    'no target',
    { metadata, pools: [{ id: 'web', operations: [{ destination: '/a' }] }] },
    'cannot use FILE: pools[0].operations[0].target: is missing',
  ],
  [
    'a destination of the wrong type',
    { metadata, pools: [{ id: 'web', operations: [operation, { target: 'a', destination: 3 }] }] },
    'cannot use FILE: pools[0].operations[1].destination: must be a string',
  ],
  [
    'a destination twice in a pool',
    { metadata, pools: [{ id: 'web', operations: [operation, { ...operation, target: 'b' }] }] },
    'cannot use FILE: pools[0].operations[1].destination: /srv/a is the destination of operations[0] already',
  ],
  [
    'a closure that is text',
    { metadata, pools: [{ ...pool, closure: 'true' }] },
    'cannot use FILE: pools[0].closure: must be an array',
  ],
  [
    'a closure line with a NUL',
    { metadata, pools: [{ ...pool, closure: ['true', 'a\0b'] }] },
    'cannot use FILE: pools[0].closure[1]: must not contain a NUL',
  ],
  [
    'no time at all',
    { metadata, pools: [{ ...pool, timeoutSeconds: 0 }] },
    'cannot use FILE: pools[0].timeoutSeconds: must be more than 0',
  ],
  [
    'more than a day',
    { metadata, pools: [{ ...pool, timeoutSeconds: 1e9 }] },
    'cannot use FILE: pools[0].timeoutSeconds: must be at most 86400',
  ],
  [
    'a final closure of the wrong type',
    { metadata, pools: [pool], finalClosure: [1] },
    'cannot use FILE: finalClosure[0]: must be a string',
  ],
  [
    'pools beside operations',
    { metadata, pools: [pool], operations: [] },
    'cannot use FILE: operations: cannot stand beside pools: use one of the two',
  ],
  ['operations alone', { metadata, operations: [] }, 'cannot apply FILE as pools: it has operations'],
  [
    'a name that forges a line',
    {
      metadata,
      pools: [
        {
          id: 'web',
          operations: [
            { target: 'a', destination: '/a\n' },
            { target: 'a', destination: '/a\n' },
          ],
        },
      ],
    },
    'cannot use FILE: pools[0].operations[1].destination: /a\\x0a is the destination of operations[0] already',
  ],
];

const badVersions = ['1.2', 'v1.2.0', '01.2.3', ' 1.2.3', '1.2.3 ', '1.2.3-', 'latest', ''];

describe('a document that cannot be used', () => {
  it.each(refused)('is refused as a whole, in one line: %s', async (_what, document, line) => {
    const server = new Server();
    server.document(document);
    const file = path.join(server.module, 'index.json');
    const error = await server.apply().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(HotfixError);
    expect((error as HotfixError).message).toBe(line.replace('FILE', file));
    expect(fs.readdirSync(server.root).sort()).toEqual(['live', 'module']);
  });

  it.each(badVersions)('is refused for the version %j', (version) => {
    const server = new Server();
    server.document({ metadata: { schema_version: version }, pools: [] });
    const line = `metadata.schema_version: must be a version like 1.2.0, not ${JSON.stringify(version)}`;
    expect(() => readHotfixDocument(server.module)).toThrow(line);
  });

  it('is named when it is missing, cut off, or no file', () => {
    const server = new Server();
    const file = path.join(server.module, 'index.json');
    expect(() => readHotfixDocument(server.module)).toThrow(`cannot read ${file}: ENOENT`);
    server.document('{"metadata": {"schema_ver');
    expect(() => readHotfixDocument(server.module)).toThrow(`cannot read ${file}: it is not JSON`);
    fs.rmSync(file);
    fs.mkdirSync(file);
    expect(() => readHotfixDocument(server.module)).toThrow(`cannot read ${file}: EISDIR`);
  });
});

describe('a document', () => {
  it('is read with its defaults', () => {
    const server = new Server();
    server.document({
      metadata: { schema_version: '1.2.3-rc.1+build.5' },
      pools: [pool, { ...pool, id: 'b', timeoutSeconds: 7 }],
    });
    const document = readHotfixDocument(server.module) as PoolDocument;
    expect(document).toMatchObject({ schemaVersion: '1.2.3-rc.1+build.5', finalClosure: [], warnings: [] });
    expect(document.pools.map(({ closure, timeoutMs }) => ({ closure, timeoutMs }))).toEqual([
      { closure: [], timeoutMs: 300_000 },
      { closure: [], timeoutMs: 7000 },
    ]);
  });

  it('may have keys that are not known: they are named and ignored', async () => {
    const server = new Server();
    server.document({
      $schema: 'x',
      metadata: { ...metadata, name: 'hotfix', autor: 'me' },
      config: {},
      pools: [{ ...pool, clousre: [], operations: [{ ...operation, mode: '0644' }] }],
      final_closure: [],
    });
    const file = path.join(server.module, 'index.json');
    const keys = ['final_closure', 'metadata.autor', 'pools[0].clousre', 'pools[0].operations[0].mode'];
    const report = await server.apply({ dryRun: true });
    expect(report.warnings).toEqual(keys.map((key) => `${file}: ${key} is not a known key; it is ignored`));
    expect(server.log.filter((line) => line.startsWith('warn '))).toEqual(
      report.warnings.map((line) => `warn ${line}`),
    );
  });
});
