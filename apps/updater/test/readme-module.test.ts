import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { serverFolder } from './support/server-folder.ts';

const readme = fs.readFileSync(path.resolve(import.meta.dirname, '../../../README.md'), 'utf8');

/** The code block of the README that follows the name of a file. */
function block(file: string): string {
  const [, text] = new RegExp(`\`${file}\`:\\n\\n\`\`\`\\w+\\n([\\s\\S]*?)\`\`\``).exec(readme) ?? [];
  if (text === undefined) throw new Error(`README.md has no ${file}`);
  return text;
}

it(
  'installs and runs the module of the README as it stands there, which then changes nothing more',
  { timeout: 30_000 },
  async () => {
    const server = await serverFolder();
    const motd = path.join(server.root, 'motd');
    await server.repository.commit({
      modules: {
        greeting: {
          'index.json': block('modules/greeting/index.json').replace('/etc/motd', motd),
          'index.ts': block('modules/greeting/index.ts'),
        },
      },
    });

    const first = await server.answer('run');
    expect(first.exitCode).toBe(0);
    expect(fs.readFileSync(motd, 'utf8')).toBe('Welcome home.\n');
    const second = await server.answer('run');
    expect(first.answer.data.modules[0].changed).toBe(true);
    expect(second.answer.data.modules[0].changed).toBe(false);
  },
);
