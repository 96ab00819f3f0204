import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { forgetDeaths, noteDeath, whyNotToStart } from '../../src/start/deaths.ts';

const die = (stateDir: string, times: number, version = '2.0.0'): void => {
  for (let at = 0; at < times; at += 1) noteDeath(stateDir, version);
};

it('keep a release from being started after the third in a row', () => {
  const stateDir = temporaryDirectory();
  die(stateDir, 2);
  expect(whyNotToStart(stateDir, '2.0.0')).toBeUndefined();
  die(stateDir, 1);
  expect(whyNotToStart(stateDir, '2.0.0')).toBe('it died in its last 3 runs');
});

it('are forgotten when a run came to its end', () => {
  const stateDir = temporaryDirectory();
  die(stateDir, 2);
  forgetDeaths(stateDir);
  forgetDeaths(stateDir);
  die(stateDir, 2);
  expect(whyNotToStart(stateDir, '2.0.0')).toBeUndefined();
});

it('are those of one release', () => {
  const stateDir = temporaryDirectory();
  die(stateDir, 3);
  expect(whyNotToStart(stateDir, '1.9.0')).toBeUndefined();
  die(stateDir, 1, '1.9.0');
  expect(whyNotToStart(stateDir, '2.0.0')).toBeUndefined();
});

it.each([
  '',
  '{',
  '[]',
  'null',
  '{"format":2,"version":"2.0.0","deaths":9}',
  '{"format":1,"version":"2.0.0","deaths":"9"}',
])('are none by a note like %j, and are counted anew', (text) => {
  const stateDir = temporaryDirectory();
  fs.writeFileSync(path.join(stateDir, 'orchestrator_deaths.json'), text);
  expect(whyNotToStart(stateDir, '2.0.0')).toBeUndefined();
  die(stateDir, 3);
  expect(whyNotToStart(stateDir, '2.0.0')).toBeDefined();
});

it('that cannot be noted are no error', () => {
  expect(() => die('/proc/nowhere', 1)).not.toThrow();
});

it('are none, and nothing fails, where a directory lies in the place of the note', () => {
  const stateDir = temporaryDirectory();
  fs.mkdirSync(path.join(stateDir, 'orchestrator_deaths.json/inside'), { recursive: true });
  die(stateDir, 3);
  expect(() => forgetDeaths(stateDir)).not.toThrow();
  expect(whyNotToStart(stateDir, '2.0.0')).toBeUndefined();
});
