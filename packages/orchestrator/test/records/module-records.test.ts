import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '@homeserver/test-support';
import {
  nextTry,
  readModuleRecords,
  withFailure,
  withoutFailure,
  writeModuleRecords,
  type ModuleRecord,
} from '../../src/records/module-records.ts';
import { refusal } from '../support.ts';

const failure = { tree: 'aaaaaaaaaaaa', version: '2.0.0', last_failure: 1000, error: 'it is broken' };

const place = (): string => path.join(temporaryDirectory(), 'modules.json');

describe('the file', () => {
  it('that is missing holds no records', () => {
    expect(readModuleRecords(place())).toEqual({});
  });

  it('gives back what was written, without the records that say nothing, for our eyes only', () => {
    const file = place();
    const web: ModuleRecord = {
      unproven: { entry: 'web@2.0.0-aaaaaaaaaaaa', previous: null, previous_backup: null, starts: 1 },
      failed: [{ ...failure, failures: 1 }],
    };
    writeModuleRecords(file, { web, mail: {}, dns: { failed: [] } });
    expect(readModuleRecords(file)).toEqual({ web });
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  });

  it.each(['', '{', '[]', '{"format": 2, "modules": {}}', '{"format": 1, "modules": {"web": {"unproven": true}}}'])(
    'with %j in it is refused by name, not taken for empty',
    (text) => {
      const file = place();
      fs.writeFileSync(file, text);
      expect(() => readModuleRecords(file)).toThrow(refusal('io', new RegExp(`^cannot read ${file}: `)));
    },
  );
});

describe('failures', () => {
  it('of one tree are counted, those of others kept', () => {
    const once = withFailure({}, failure);
    const twice = withFailure(withFailure(once, { ...failure, tree: 'bbbbbbbbbbbb' }), {
      ...failure,
      last_failure: 2000,
    });
    expect(twice.failed?.map(({ tree, failures, last_failure }) => [tree, failures, last_failure])).toEqual([
      ['bbbbbbbbbbbb', 1, 1000],
      ['aaaaaaaaaaaa', 2, 2000],
    ]);
    expect(withoutFailure(twice, 'aaaaaaaaaaaa').failed?.map(({ tree }) => tree)).toEqual(['bbbbbbbbbbbb']);
  });

  it('are remembered for the last ten versions', () => {
    let record: ModuleRecord = {};
    for (let number = 1; number <= 12; number += 1)
      record = withFailure(record, { ...failure, tree: String(number).padStart(12, '0') });
    expect(record.failed?.map(({ tree }) => Number(tree))).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('are forgiven after 1, 6 and 24 hours, and then not at all', () => {
    const tries = [1, 2, 3, 4, 5].map((failures) => nextTry({ ...failure, last_failure: 0, failures }, 0));
    expect(tries).toEqual([3600, 6 * 3600, 24 * 3600, undefined, undefined]);
  });

  it('are forgiven at once when they are from the future, for the clock was set back since', () => {
    const tries = [1, 4].map((failures) => nextTry({ ...failure, last_failure: 1001, failures }, 1000));
    expect(tries).toEqual([1000, undefined]);
  });
});
