import fs from 'node:fs';
import { temporaryDirectory } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { formatRecord, readRecord, servicesFile, type RecordedUnit } from '../../src/services/service-record.ts';
import { coded } from '../expectations.ts';

const unit: RecordedUnit = {
  unit: 'nginx.service',
  why: 'wanted',
  load_state: 'loaded',
  unit_file_state: 'enabled',
  active_state: 'active',
  sub_state: 'running',
  invocation_id: 'a0f5d879e0b24c5ea28bca450721937f',
  links: [
    { path: '/etc/systemd/system/multi-user.target.wants/nginx.service', target: '/lib/systemd/system/nginx.service' },
  ],
};

function written(text: string, sha256: string): () => RecordedUnit[] {
  const directory = temporaryDirectory();
  fs.writeFileSync(servicesFile(directory), text);
  return () => readRecord({ units: ['nginx.service'], sha256 }, directory);
}

it('services.json is read as it was written', () => {
  const { text, sha256 } = formatRecord([unit]);
  expect(written(text, sha256)()).toEqual([unit]);
});

it.each<[string, (text: string) => string, RegExp]>([
  ['changed in one letter', (text) => text.replace('active', 'Active'), /services\.json does not match its SHA-256$/],
  ['cut off', (text) => text.slice(0, -9), /does not match its SHA-256$/],
  ['empty', () => '', /does not match its SHA-256$/],
])('%s, it is refused', (_, damage, message) => {
  const { text, sha256 } = formatRecord([unit]);
  expect(written(damage(text), sha256)).toThrow(coded('damaged', message) as Error);
});

it('of another version, or gone, it is refused by name', () => {
  const other = formatRecord([{ ...unit, why: 'unknown' as never }]);
  expect(written(other.text, other.sha256)).toThrow(
    coded('damaged', /services\.json was written by another version/) as Error,
  );
  expect(() => readRecord({ units: [], sha256: '' }, '/nonexistent')).toThrow(
    coded('damaged', /\/nonexistent\/services\.json cannot be read: ENOENT/) as Error,
  );
});
