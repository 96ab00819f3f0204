import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '@homeserver/test-support';
import { readConfiguration } from '../src/read-configuration.ts';
import { moduleContext } from './module-context.ts';

const read = (name: string): string => fs.readFileSync(path.join(import.meta.dirname, '..', name), 'utf8');
const readme = read('README.md');

it('the configuration in the README is a good one', () => {
  const [, example = ''] = /```json\n(.*?)```/s.exec(readme) ?? [];
  const context = moduleContext(temporaryDirectory(), JSON.parse(example) as Record<string, unknown>);
  expect(readConfiguration(context).format).toBe('dnsmasq');
  expect(context.said).toEqual([]);
});

it('the table in the README has each key that the module ships with', () => {
  const { configuration } = JSON.parse(read('index.json')) as { configuration: Record<string, unknown> };
  const table = [...readme.matchAll(/^\| `(\w+)`/gm)].map(([, key]) => key);
  expect(table).toEqual(Object.keys(configuration));
});
