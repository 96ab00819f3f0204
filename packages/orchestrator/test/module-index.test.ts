import { describe, expect, it } from 'vitest';
import { readModuleIndex, type ModuleIndex } from '../src/module-index.ts';

const file = 'modules/web/index.json';

function problemOf(content: string | Uint8Array): string {
  const reading = readModuleIndex(typeof content === 'string' ? Buffer.from(content) : content, file, 'web');
  return reading.ok ? 'none' : reading.problem;
}

function indexOf(content: unknown): ModuleIndex {
  const reading = readModuleIndex(Buffer.from(JSON.stringify(content)), file, 'web');
  if (!reading.ok) throw new Error(reading.problem);
  return reading.index;
}

const withMetadata = (metadata: object): string =>
  JSON.stringify({ metadata: { schema_version: '1.2.0', ...metadata } });

/** An index that is nested this deep, its outer object included. */
const nested = (levels: number): string =>
  `{"metadata": {"schema_version": "1.2.0"}, "configuration": {"deep": ${'['.repeat(levels - 2)}${']'.repeat(levels - 2)}}}`;

describe('a good index', () => {
  it('says what its fields say', () => {
    const content = {
      $schema: 'https://example.org/module.json',
      metadata: {
        schema_version: '1.2.0-rc.1+build',
        name: 'web',
        description: 'The web server',
        enabled: false,
        priority: 7,
        dependencies: ['nginx'],
        lastSafeVersion: '1.1.0',
        timeoutSeconds: 90,
      },
      configuration: { port: 80 },
    };
    expect(indexOf(content)).toEqual({
      schemaVersion: '1.2.0-rc.1+build',
      description: 'The web server',
      enabled: false,
      priority: 7,
      dependencies: ['nginx'],
      timeoutSeconds: 90,
      lastSafeVersion: '1.1.0',
      configuration: { port: 80 },
      unknownKeys: [],
    });
  });

  it('needs its version alone', () => {
    expect(indexOf({ metadata: { schema_version: '1.0.0' } })).toEqual({
      schemaVersion: '1.0.0',
      description: '',
      enabled: true,
      priority: 50,
      dependencies: [],
      timeoutSeconds: 1800,
      configuration: {},
      unknownKeys: [],
    });
  });

  it('takes "config" for "configuration", and "critical" for priority 0', () => {
    const index = indexOf({ metadata: { schema_version: '1.0.0', priority: 'critical' }, config: { port: 80 } });
    expect([index.priority, index.configuration]).toEqual([0, { port: 80 }]);
  });

  it('may begin with a byte order mark, as some editors write one', () => {
    expect(problemOf(`\ufeff${withMetadata({})}`)).toBe('none');
  });

  it('may be nested 100 levels deep, and no deeper', () => {
    expect(problemOf(nested(100))).toBe('none');
    expect(problemOf(nested(101))).toMatch(/nested/);
  });

  it('names the fields that nothing here knows, at the top and in metadata, and is good all the same', () => {
    const content = { metadata: { schema_version: '1.0.0', colour: 'red' }, configuraton: {}, config: { any: 1 } };
    expect(indexOf(content).unknownKeys).toEqual(['configuraton', 'metadata.colour']);
  });
});

describe('a bad index is one line that names the file and the field', () => {
  it.each([
    ['an empty file', '', 'is empty'],
    ['white space', ' \n', 'is not valid JSON (Unexpected end of JSON input)'],
    ['a file that was cut', '{"metadata": {"schema_ver', /^is not valid JSON \(Unterminated string/],
    ['something else than JSON', 'schema_version = 1\n', /^is not valid JSON \(Unexpected token/],
    ['a list', '[]', /^must be of type object$/],
    ['null', 'null', /^must be of type object$/],
    ['no metadata', '{}', /^metadata: is missing$/],
    ['no version', '{"metadata": {}}', /^metadata\.schema_version: is missing$/],
    [
      'a number for a version',
      withMetadata({ schema_version: 1.2 }),
      /^metadata\.schema_version: must be of type string$/,
    ],
    ...['1.2', 'v1.2.0', '01.2.3', ' 1.2.0', '1.2.0\n', '1.2.x', 'latest', '', `1.0.0-${'a'.repeat(64)}`].map(
      (text) => [
        `the version ${JSON.stringify(text)}`,
        withMetadata({ schema_version: text }),
        'metadata.schema_version: must be a version like 1.2.3 (strict semver)',
      ],
    ),
    ['enabled "yes"', withMetadata({ enabled: 'yes' }), /^metadata\.enabled: must be of type boolean$/],
    ['priority "high"', withMetadata({ priority: 'high' }), 'metadata.priority: must be an integer or "critical"'],
    ['priority 1.5', withMetadata({ priority: 1.5 }), 'metadata.priority: must be an integer or "critical"'],
    [
      'dependencies as text',
      withMetadata({ dependencies: 'nginx' }),
      /^metadata\.dependencies: must be of type array$/,
    ],
    ['a dependency 1', withMetadata({ dependencies: ['a', 1] }), /^metadata\.dependencies\.1: must be of type string$/],
    [
      'a dependency that is no name',
      withMetadata({ dependencies: ['../a'] }),
      'metadata.dependencies.0: must be the name of a module',
    ],
    ['timeoutSeconds 0', withMetadata({ timeoutSeconds: 0 }), /^metadata\.timeoutSeconds: Too small/],
    ['a time limit of a year', withMetadata({ timeoutSeconds: 31_536_000 }), /^metadata\.timeoutSeconds: Too big/],
    [
      'timeoutSeconds as text',
      withMetadata({ timeoutSeconds: '60' }),
      /^metadata\.timeoutSeconds: must be of type number$/,
    ],
    ['a bad lastSafeVersion', withMetadata({ lastSafeVersion: '1' }), /^metadata\.lastSafeVersion: must be a version/],
    [
      'the name of another module',
      withMetadata({ name: 'mail' }),
      'metadata.name: is "mail", but the module\'s directory is "web"',
    ],
    [
      'configuration as a list',
      '{"metadata": {"schema_version": "1.0.0"}, "configuration": []}',
      /^configuration: must be of type object$/,
    ],
    ['lists that are nested 5000 deep', nested(5000), 'is nested more than 100 levels deep'],
  ] as [string, string, string | RegExp][])('%s', (_, content, said) => {
    const problem = problemOf(content);
    expect(problem.startsWith(`${file}: `), problem).toBe(true);
    const text = problem.slice(file.length + 2);
    if (typeof said === 'string') expect(text).toBe(said);
    else expect(text).toMatch(said);
    expect(problem).not.toMatch(/[\n\r]/);
  });

  it('bytes that are not UTF-8', () => {
    expect(problemOf(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d))).toMatch(
      /^modules\/web\/index\.json: is not valid JSON .*utf-8/,
    );
  });

  it('control characters in it do not reach the line', () => {
    expect(problemOf('{\u001b[2J\n}')).not.toMatch(/[\x00-\x1f]/);
    expect(problemOf(withMetadata({ name: 'a\u001b[2J\nb' }))).toMatch(/is "a\\x1b\[2J\\x0ab"/);
  });
});
