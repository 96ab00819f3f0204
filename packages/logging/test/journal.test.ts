import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '@homeserver/test-support';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createLogging } from '../src/index.ts';

/** What a console file gets; `journal`: what systemd says is its journal. */
function heard(journal: (fd: number) => string): string {
  const file = path.join(temporaryDirectory(), 'console');
  const fd = fs.openSync(file, 'w');
  vi.stubEnv('JOURNAL_STREAM', journal(fd));
  onTestFinished(() => void vi.unstubAllEnvs());
  const logging = createLogging({ consoleStream: fd, level: 'debug' });
  logging.debug('a');
  logging.info('b\n<0>c');
  logging.child('web').warn('d');
  logging.error('e');
  fs.closeSync(fd);
  return fs.readFileSync(file, 'utf8');
}

const own = (fd: number): string => {
  const { dev, ino } = fs.fstatSync(fd);
  return `${dev}:${ino}`;
};

it('the journal gets the level in its own way, and no second time', () => {
  expect(heard(own)).toBe('<7>a\n<6>b\\n<0>c\n<4>web: d\n<3>e\n');
});

it('a console that is redirected away from the journal gets lines', () => {
  expect(heard(() => '1:1')).toMatch(/^\[.{19}\] \[DEBUG\] a\n/);
});
