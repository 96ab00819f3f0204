import fs from 'node:fs';
import path from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { hotfixJsonSchema } from '../src/hotfix-schema.ts';

const file = path.join(import.meta.dirname, '../hotfix.schema.json');
const published = JSON.parse(fs.readFileSync(file, 'utf8')) as object;

it('the schema that is published is that of the program (made anew with HOTFIX_SCHEMA=write)', () => {
  if (process.env['HOTFIX_SCHEMA'] === 'write')
    fs.writeFileSync(file, `${JSON.stringify(hotfixJsonSchema(), undefined, 2)}\n`);
  expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify(hotfixJsonSchema())));
});

describe('the schema', () => {
  const validate = new Ajv.default({ strict: false }).compile(published);
  const metadata = { schema_version: '1.0.0' };
  const shipped = path.join(import.meta.dirname, '../../../modules/hotfix/index.json');

  it.each<[string, unknown]>([
    ['the document that ships', JSON.parse(fs.readFileSync(shipped, 'utf8'))],
    ['pools', { metadata, pools: [{ id: 'a', operations: [{ target: 'x', destination: '/x' }], closure: ['true'] }] }],
    ['operations', { metadata, operations: [{ id: 'a', type: 'copy', source: 'x', target: '/x' }] }],
  ])('takes %s', (_, document) => expect(validate(document), JSON.stringify(validate.errors)).toBe(true));

  it.each<[string, unknown]>([
    ['a pool without operations', { metadata, pools: [{ id: 'a', operations: [] }] }],
    ['an id that is none', { metadata, pools: [{ id: 'A b', operations: [{ target: 'x', destination: '/x' }] }] }],
    ['an operation without a target', { metadata, operations: [{ id: 'a', type: 'copy', source: 'x' }] }],
    ['neither', { metadata }],
  ])('refuses %s', (_, document) => expect(validate(document)).toBe(false));
});
