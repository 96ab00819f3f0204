import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Ajv2020 as Ajv } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { answerSchema } from '../src/answers/answer-schemas.ts';
import { repositoryWith, writesVersion } from './support/module-files.ts';
import { serverFolder, type Answer, type ServerFolder } from './support/server-folder.ts';
import { checkAnswer } from './support/valid-answer.ts';

interface Event {
  type: string;
  time: number;
  state?: string;
  name?: string;
  phase?: string;
}

const isEvent = new Ajv().compile<Event>(answerSchema('event') ?? {});

/** Runs it with --json-lines; each line must be as its schema says. */
async function linesOf(server: ServerFolder, ...words: string[]): Promise<{ events: Event[]; answer: Answer }> {
  const { stdout } = await server.updater(...words, '--json-lines');
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
  const answer = lines.pop() as unknown as Answer;
  checkAnswer(answer);
  for (const line of lines)
    if (!isEvent(line)) throw new Error(`${JSON.stringify(line)}: ${JSON.stringify(isEvent.errors)}`);
  return { events: lines, answer };
}

describe('--json-lines', { timeout: 60_000 }, () => {
  it('tells of each step of a run as it comes, and ends with the answer of --json', async () => {
    const server = await serverFolder();
    const main = "throw new Error('it broke');";
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' }, two: { version: '1.0.0', main } }));
    const { events, answer } = await linesOf(server, 'run');
    const steps = events.filter(({ type }) => type !== 'fetch');
    expect(events.length).toBeGreaterThan(steps.length);
    expect(steps.map(({ type, phase, name, state }) => [type, phase ?? name, state].filter(Boolean).join(' '))).toEqual(
      [
        'phase recover begun',
        'phase recover ended',
        'phase sync begun',
        'synced',
        'phase sync ended',
        'phase replace begun',
        'phase replace ended',
        'replaced one',
        'replaced two',
        'phase run begun',
        'modules',
        'module one begun',
        'module one succeeded',
        'module two begun',
        'module two failed',
        'phase run ended',
      ],
    );
    expect(events.map(({ time }) => time)).toEqual(events.map(({ time }) => time).toSorted((a, b) => a - b));
    expect(answer).toMatchObject({ schema: 'homeserver-updates/run@1', ok: false, data: { outcome: 'failed' } });
    expect((await linesOf(server, 'check')).answer.schema).toBe('homeserver-updates/check@1');
  });

  it('tells how far a capture, a restore and a check have come', async () => {
    const server = await serverFolder();
    const file = path.join(server.root, 'conf');
    const write = (letter: string): void => fs.writeFileSync(file, Buffer.alloc(1024 * 1024, letter));
    const progressOf = async (...words: string[]): Promise<{ phases: Set<string | undefined>; answer: Answer }> => {
      const { events, answer } = await linesOf(server, ...words);
      const progress = events.filter(({ type }) => type === 'progress');
      return { phases: new Set(progress.map(({ phase }) => phase)), answer };
    };
    write('x');
    expect((await progressOf('backup', 'web', '--file', file)).phases).toContain('capture');
    const { events } = await linesOf(server, 'backups', 'verify');
    expect(events).toMatchObject([
      { type: 'verify', name: 'web', state: 'begun' },
      { type: 'progress', phase: 'verify', files_done: 1, bytes_done: 1024 * 1024 },
      { type: 'verify', name: 'web', state: 'good' },
    ]);
    write('y');
    const restored = await progressOf('restore', 'web');
    expect(restored.phases).toContain('restore');
    expect(restored.answer).toMatchObject({ schema: 'homeserver-updates/restore@1', ok: true });
    const { answer, phases } = await progressOf('snapshots', 'create', '--file', file);
    expect(phases).toContain('capture');
    write('z');
    expect((await progressOf('snapshots', 'restore', answer.data.id)).phases).toContain('restore');
  });

  it('tells of databases as of files', async () => {
    const server = await serverFolder();
    const file = path.join(server.root, 'app.db');
    const database = new DatabaseSync(file);
    database.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)');
    const { events } = await linesOf(
      server,
      'backup',
      'web',
      '--database',
      JSON.stringify({ type: 'sqlite', database: file }),
    );
    database.close();
    expect(events).toContainEqual(expect.objectContaining({ type: 'progress', unit: 'databases', files_done: 1 }));
  });

  it('tells how far a module is with what it captures itself', async () => {
    const server = await serverFolder();
    const file = path.join(server.root, 'conf');
    fs.writeFileSync(file, Buffer.alloc(1024 * 1024, 'x'));
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0', main: writesVersion(file) } }));
    const { events } = await linesOf(server, 'run');
    expect(events.findLast(({ type }) => type === 'progress')).toMatchObject({
      module: 'one',
      phase: 'capture',
      files_done: 1,
      bytes_done: 1024 * 1024,
    });
  });

  it('ends with the error, when there is one', async () => {
    const server = await serverFolder();
    const { events, answer } = await linesOf(server, 'run', '--repo-url', 'file:///nowhere');
    expect(events.at(-1)).toMatchObject({ type: 'phase', phase: 'sync', state: 'ended' });
    expect(answer).toMatchObject({ ok: false, error: { code: 'unreachable', exit_code: 6 } });
    expect((await linesOf(server, 'run', '--rety')).answer.error?.exit_code).toBe(2);
  });
});
