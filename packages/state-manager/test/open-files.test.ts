import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { toRawPath } from '@homeserver/system';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeOutdated, findHolders } from '../src/open-files.ts';
import { scene, type Scene } from './scene.ts';

const raw = (...paths: string[]) => paths.map(toRawPath);

/** A process that does something with files, and says a word once it has. */
async function startProcess(line: string): Promise<ChildProcess & { pid: number }> {
  const child = spawn('sh', ['-c', `${line}; echo; exec sleep 1000 >/dev/null`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child as ChildProcess & { pid: number };
}

const found = (here: Scene, ...names: string[]): { pid: number; path: string }[] =>
  findHolders(raw(...names.map((name) => here.at(name)))).map(({ pid, path }) => ({ pid, path }));

describe('a holder of a file', () => {
  it('has it open, or something below it', async () => {
    const here = scene({ a: { f: '1' }, b: '2', ab: '3' });
    const { pid } = await startProcess(`exec 4<'${here.at('a/f')}'`);
    expect(found(here, 'a/f')).toEqual([{ pid, path: here.at('a/f') }]);
    expect(found(here, 'a')).toEqual([{ pid, path: here.at('a/f') }]);
    expect(found(here, 'b', 'ab', 'a/f2')).toEqual([]);
    expect(findHolders([])).toEqual([]);
  });

  it('has it as its working directory, its program, or mapped', async () => {
    const here = scene({ cwd: {} });
    fs.copyFileSync('/bin/sleep', here.at('program'));
    fs.chmodSync(here.at('program'), 0o755);
    const inDirectory = await startProcess(`cd '${here.at('cwd')}'`);
    expect(found(here, 'cwd')).toEqual([{ pid: inDirectory.pid, path: here.at('cwd') }]);
    const program = spawn(here.at('program'), ['1000']);
    onTestFinished(() => void program.kill('SIGKILL'));
    await once(program, 'spawn');
    expect(found(here, 'program')).toEqual([{ pid: program.pid, path: here.at('program') }]);
  });

  it('has it still, when another file has taken its place', async () => {
    const here = scene({ f: 'old', 'not utf-8 \xff': '' });
    const { pid } = await startProcess(`exec 4<'${here.at('f')}'`);
    fs.rmSync(here.at('f'));
    expect(found(here, 'f')).toEqual([{ pid, path: here.at('f') }]);
  });
});

describe('after a restore', () => {
  it('who has an old file open is named: one that was replaced, or moved away', async () => {
    const here = scene({ f: 'old', g: 'old', h: 'old' });
    const { pid } = await startProcess(`exec 4<'${here.at('f')}' 5<'${here.at('g')}' 6<'${here.at('h')}'`);
    const holders = findHolders(raw(here.at('f'), here.at('g'), here.at('h')));
    expect(describeOutdated(holders)).toEqual([]);
    fs.writeFileSync(here.at('new'), 'new');
    fs.renameSync(here.at('new'), here.at('f'));
    fs.mkdirSync(`${here.root}/aside${here.live}`, { recursive: true });
    fs.renameSync(here.at('g'), `${here.root}/aside${here.at('g')}`);
    expect(describeOutdated(holders).map((line) => line.replace(/^.* still/, 'still'))).toEqual([
      `still uses the ${here.at('f')} that was there before: restart it`,
      `still uses the ${here.at('g')} that was there before: restart it`,
    ]);
    expect(describeOutdated(holders)[0]).toContain(`process ${pid}`);
  });

  it('who has ended is not', async () => {
    const here = scene({ f: 'old' });
    const child = await startProcess(`exec 4<'${here.at('f')}'`);
    const holders = findHolders(raw(here.at('f')));
    fs.rmSync(here.at('f'));
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(describeOutdated(holders)).toEqual([]);
  });
});
