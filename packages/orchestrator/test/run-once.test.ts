import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { ModuleOutcome } from '../src/run/module-outcome.ts';
import { home, install, main, module, runAll, type Home } from './support.ts';

interface Lists extends Home {
  file: string;
  lines(): string[];
  flags(): string[];
  /** Installs this body of main() as a version, and runs it. `add` appends a line to the file. */
  run(version: string, body: string): Promise<ModuleOutcome | undefined>;
}

/** A server with one module, `lists`, whose changes are lines of a file: a line that was added twice would show. */
function lists(): Lists {
  const here = home();
  const file = path.join(here.root, 'etc/lists');
  fs.mkdirSync(path.dirname(file));
  fs.writeFileSync(file, '');
  const flags = path.join(here.server.paths.moduleStates, 'lists/.once');
  const prelude = `
    const file = ${JSON.stringify(file)};
    const add = (line) => context.state.guard('lists', { files: [file] }, async () => fs.appendFileSync(file, line + '\\n'));
    const unguarded = (line) => fs.appendFileSync(file, line + '\\n');`;
  return {
    ...here,
    file,
    lines: () => fs.readFileSync(file, 'utf8').split('\n').slice(0, -1),
    flags: () => (fs.existsSync(flags) ? fs.readdirSync(flags).sort() : []),
    run: async (version, body) => {
      install(here, 'lists', version, module(version, main(`${prelude}\n${body}`)));
      return (await runAll(here))['lists'];
    },
  };
}

const addOnce = "const changed = await context.once('add-a', () => add('a')); return { success: true, changed };";

it('a change is made once, whatever versions come', async () => {
  const here = lists();
  expect(await here.run('1.0.0', addOnce)).toMatchObject({ status: 'succeeded', changed: true });
  for (const version of ['1.0.0', '1.1.0', '2.0.0', '1.0.0'])
    expect(await here.run(version, addOnce)).toMatchObject({ status: 'succeeded', changed: false });
  expect(here.lines()).toEqual(['a']);
  expect(here.flags()).toEqual(['add-a.json']);
});

it('when it throws, no flag is set, and what its guards had changed is back, even if main() goes on', async () => {
  const here = lists();
  const body = `
    try { await context.once('add-a', async () => { await add('a'); throw new Error('not yet'); }); }
    catch (error) { return { success: true, changed: error.message !== 'not yet' }; }`;
  expect(await here.run('1.0.0', body)).toMatchObject({ status: 'succeeded', changed: false });
  expect([here.lines(), here.flags()]).toEqual([[], []]);
  await here.run('1.0.1', addOnce);
  expect([here.lines(), here.flags()]).toEqual([['a'], ['add-a.json']]);
});

it.each([
  ['fails', "return { success: false, error: 'broke later' };"],
  ['throws', "throw new Error('broke later');"],
  ['is killed', "process.kill(process.pid, 'SIGKILL'); await new Promise(() => {});"],
])('when main() %s after it, flag and change are undone together, and it is made again', async (_, end) => {
  const here = lists();
  expect(await here.run('1.0.0', `await context.once('add-a', () => add('a')); ${end}`)).toMatchObject({
    status: 'failed',
  });
  expect([here.lines(), here.flags()]).toEqual([[], []]);
  await here.run('1.0.1', addOnce);
  expect([here.lines(), here.flags()]).toEqual([['a'], ['add-a.json']]);
});

const inside = (end: string): string => `
    const other = file + '.other';
    await context.state.guard('outer', { files: [other] }, async () => {
      await context.once('add-a', () => add('a'));
      ${end}
    }).catch(() => {});
    return { success: true };`;

it('inside a guard it shares the fate of that guard', async () => {
  const here = lists();
  await here.run('1.0.0', inside("throw new Error('outer fails');"));
  expect([here.lines(), here.flags()]).toEqual([[], []]);
  await here.run('1.0.1', inside(''));
  expect([here.lines(), here.flags()]).toEqual([['a'], ['add-a.json']]);
});

it('what it changed outside a guard stays when the run fails, so it is made again', async () => {
  const here = lists();
  const body = "await context.once('add-a', () => unguarded('a')); return { success: false, error: 'later' };";
  await here.run('1.0.0', body);
  expect([here.lines(), here.flags()]).toEqual([['a'], []]);
});

it('several in one run are made one after the other, also when they are begun together', async () => {
  const here = lists();
  const body = `
    const made = await Promise.all(['a', 'b', 'a', 'c'].map((line) => context.once('add-' + line, () => add(line))));
    return { success: JSON.stringify(made) === '[true,true,false,true]', error: JSON.stringify(made) };`;
  expect(await here.run('1.0.0', body)).toMatchObject({ status: 'succeeded' });
  expect([here.lines(), here.flags()]).toEqual([
    ['a', 'b', 'c'],
    ['add-a.json', 'add-b.json', 'add-c.json'],
  ]);
});

it('refuses an id that is no name, and one inside another, in words', async () => {
  const here = lists();
  for (const id of ['', '../x', 'A', 'a b', '.a', 'x'.repeat(65)])
    expect((await here.run('1.0.0', `await context.once(${JSON.stringify(id)}, () => {});`))?.error).toContain(
      'cannot be the id of a change',
    );
  const nested = "await context.once('a', () => context.once('b', () => add('b')));";
  expect((await here.run('1.0.0', nested))?.error).toContain('once("b") inside once("a")');
  expect([here.lines(), here.flags()]).toEqual([[], []]);
});

it('a module with the longest name can use it', async () => {
  const here = home();
  const name = 'x'.repeat(64);
  const source = main("return { success: await context.once('a', () => {}) };");
  install(here, name, '1.0.0', module('1.0.0', source));
  expect((await runAll(here))[name]).toMatchObject({ status: 'succeeded' });
});
