import fs from 'node:fs';
import path from 'node:path';
import { ioError } from '@homeserver/system';
import { OrchestratorError } from './errors.ts';
import { isModuleName } from './module-name.ts';

/**
 * Makes a module to begin with: `<parent>/<name>` with index.json, index.ts, README.md, and a test. Returns the files, from
 * the module's directory. Throws OrchestratorError 'usage' for a wrong name, and for what exists already.
 */
export function newModule(parent: string, name: string): { directory: string; files: string[] } {
  if (!isModuleName(name)) {
    throw new OrchestratorError('usage', `${JSON.stringify(name)} cannot be the name of a module`, {
      hint: 'lower-case letters, digits, "-" and "_", at most 64, starting with a letter or digit',
    });
  }
  const directory = path.resolve(parent, name);
  if (fs.lstatSync(directory, { throwIfNoEntry: false }) !== undefined)
    throw new OrchestratorError('usage', `${directory} exists already; nothing was written`);
  const files = filesOf(name);
  try {
    for (const [file, text] of Object.entries(files)) {
      const place = path.join(directory, file);
      fs.mkdirSync(path.dirname(place), { recursive: true, mode: 0o755 });
      fs.writeFileSync(place, text, { flag: 'wx', mode: 0o644 });
    }
  } catch (error) {
    throw ioError('write the module', directory, error);
  }
  return { directory, files: Object.keys(files) };
}

function filesOf(name: string): Record<string, string> {
  const index = {
    metadata: { schema_version: '0.1.0', name, description: `Keeps /etc/${name}.conf as it should be`, enabled: true },
    configuration: { file: `/etc/${name}.conf`, text: 'colour = blue\n' },
  };
  return {
    'index.json': `${JSON.stringify(index, undefined, 2)}\n`,
    'index.ts': INDEX_TS,
    'README.md': readme(name),
    'test/module.test.ts': TEST_TS,
    [`test/scratch/etc/${name}.conf`]: 'colour = red\n',
  };
}

const INDEX_TS = `import fs from 'node:fs';
import type { ModuleContext, ModuleResult } from '@homeserver/orchestrator';
import { writeFileDurably } from '@homeserver/system';

/** Runs in every cycle: look first, change only what is different, and only under a guard. */
export async function main(_args: string[], context: ModuleContext): Promise<ModuleResult> {
  const { file, text } = context.config as { file: string; text: string };
  if (fs.existsSync(file) && fs.readFileSync(file, 'utf8') === text) return { success: true, changed: false };
  if (context.dryRun) {
    context.log.info(\`would write \${file}\`);
    return { success: true, changed: false };
  }
  // If anything in here fails, or the machine dies, or main fails later, the file is back as it was.
  await context.state.guard(context.name, { files: [file] }, async () => {
    writeFileDurably(file, text, { mode: 0o644 });
  });
  context.log.info(\`wrote \${file}\`);
  return { success: true, changed: true };
}
`;

const TEST_TS = `import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

/** The program as it is on a server; UPDATER names another one. */
const updater = process.env['UPDATER'] ?? 'updater';

test('the module stands every trial', () => {
  execFileSync(updater, ['module', 'test', path.dirname(import.meta.dirname)], { stdio: 'inherit' });
});
`;

const readme = (name: string): string => `# ${name}

Keeps one file as it should be. What its owner wants otherwise: \`updater modules set ${name} text '...'\`.

| key    | meaning                    |
| ------ | -------------------------- |
| \`file\` | the file to keep           |
| \`text\` | what it is to have in it   |

\`node --test\` tries it on a server folder of its own (\`updater module test\`): \`test/scratch/\` is what is in \`/\` there, and absolute
paths in index.json are moved below it; \`test/scratch.json\` would be laid over \`configuration\`. A change reaches servers when
\`schema_version\` goes up.
`;
