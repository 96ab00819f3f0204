import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory, UNGUESSABLE } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { damageOfSecret, readSecret, writeSecret } from '../../src/databases/secret-file.ts';
import { coded } from '../expectations.ts';

it('comes back as it was, and is for us alone', () => {
  const directory = temporaryDirectory();
  const secret = { password: 'pä\n"', accounts: { app: 'CREATE ...' } };
  writeSecret(directory, 'db_0.secret', secret);
  expect(readSecret(directory, 'db_0.secret')).toEqual(secret);
  expect(fs.statSync(path.join(directory, 'db_0.secret')).mode & 0o777).toBe(0o600);
  expect(damageOfSecret(directory, 'db_0.secret')).toBe(undefined);
});

it.each<[string, (file: string) => void]>([
  ['gone', (file) => fs.rmSync(file)],
  ['empty', (file) => fs.truncateSync(file)],
  ['cut off', (file) => fs.truncateSync(file, 80)],
  ['changed', (file) => fs.appendFileSync(file, ' ')],
  ['a link', (file) => (fs.renameSync(file, `${file}.x`), fs.symlinkSync(`${file}.x`, file))],
])('that is %s is a damage, which is told without a word of it', (_, damage) => {
  const directory = temporaryDirectory();
  writeSecret(directory, 'db_0.secret', { password: UNGUESSABLE });
  damage(path.join(directory, 'db_0.secret'));
  expect(() => readSecret(directory, 'db_0.secret')).toThrow(coded('damaged', /db_0\.secret/));
  expect(damageOfSecret(directory, 'db_0.secret')).toMatch(/^\/.*db_0\.secret (cannot be read|does not match)/);
  expect(damageOfSecret(directory, 'db_0.secret')).not.toContain(UNGUESSABLE);
});
