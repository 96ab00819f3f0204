import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { repositoryWith } from './support/module-files.ts';
import { serverFolder } from './support/server-folder.ts';

it(
  "the owner's choices and the module's own state survive version after version, failed ones too",
  { timeout: 120_000 },
  async () => {
    const server = await serverFolder();
    const notes = path.join(server.root, 'notes');
    fs.writeFileSync(notes, '');
    const note = `const note = (text: string) => context.state.guard(context.name, { files: ['${notes}'] }, async () => fs.appendFileSync('${notes}', text + '\\n'));`;
    const counting = `${note}
    const file = context.stateDir + '/runs';
    const runs = fs.existsSync(file) ? Number(fs.readFileSync(file, 'utf8')) + 1 : 1;
    fs.writeFileSync(file, String(runs));
    await context.once('move-in', () => note('moved in by ' + context.version));
    await note([context.version, context.config.dns.port, context.config.dns.host, runs].join(' '));`;
    const publish = (version: string, end: string): Promise<string> =>
      server.repository.commit(
        repositoryWith({
          mine: { version, main: `${counting}\n${end}`, configuration: { dns: { port: 53, host: version } } },
          chosen: {
            version,
            metadata: { enabled: false },
            main: `${note}\nawait note('chosen'); return { success: true };`,
          },
          unwanted: { version, main: `${note}\nawait note('unwanted'); return { success: true };` },
        }),
      );
    const succeed = 'return { success: true };';
    await publish('1.0.0', succeed);
    await server.updater('run', '--only', 'replace');
    await server.updater('modules', 'set', 'mine', 'dns.port', '5353');
    await server.updater('modules', 'enable', 'chosen');
    await server.updater('modules', 'disable', 'unwanted');
    await server.updater('run', '--only', 'run');
    for (const [version, end] of [
      ['1.1.0', succeed],
      ['1.2.0', "throw new Error('broken');"],
      ['2.0.0', succeed],
    ] as const) {
      await publish(version, end);
      await server.updater('run');
    }
    expect(fs.readFileSync(notes, 'utf8').split('\n').slice(0, -1)).toEqual([
      'chosen',
      'moved in by 1.0.0',
      '1.0.0 5353 1.0.0 1',
      'chosen',
      '1.1.0 5353 1.1.0 2',
      'chosen', // 1.2.0 failed: what its guards had noted is gone.
      'chosen',
      '2.0.0 5353 2.0.0 4',
    ]);
    expect(server.index()).toEqual({ mine: '2.0.0', chosen: '2.0.0', unwanted: '2.0.0' });
  },
);
