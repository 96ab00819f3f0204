import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { prepareServer } from '../scenes/prepare-server.ts';
import { Stage } from '../stage.ts';
import { Story } from '../story.ts';

const COLUMNS = 100;

interface Recording {
  title: string;
  commands: readonly string[];
}

/**
 * What an owner sees of a plan, a run, the status, a version that fails and is rolled back, and a restore: the real programs
 * on a terminal and a server folder of their own. What differs each time (times, ids, paths) is put as it might be.
 */
export function recordTerminal(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'homeserver-record-'));
  try {
    const stage = new Stage(directory, new Story());
    prepareServer(stage);
    if (stage.watch('updater run', COLUMNS).exitCode !== 0) throw new Error('the first run failed');
    const show = ({ title, commands }: Recording): string => {
      const shown = commands.map((line) => commandAndScreen(stage, line));
      return `${title}:\n\n\`\`\`\n${shown.join('\n')}\n\`\`\`\n`;
    };
    stage.release('adblock', '1.1.0', { index: { configuration: { allow: ['shop.example'] } } });
    const parts = [
      show({ title: 'Before a run', commands: ['updater plan'] }),
      show({ title: 'A run, and how the server stands after it', commands: ['updater run', 'updater status'] }),
    ];
    stage.release('album', '2.0.0', { index: { configuration: { failAfter: 0 } } });
    parts.push(
      show({
        title: 'A version that fails, and is rolled back',
        commands: ['updater run', 'updater why album'],
      }),
    );
    fs.rmSync(stage.at('photos/07.jpg'));
    parts.push(show({ title: 'A photo was deleted by mistake', commands: ['updater restore album --yes'] }));
    return parts.join('\n');
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

function commandAndScreen(stage: Stage, line: string): string {
  const { exitCode, screen } = stage.watch(line, COLUMNS);
  const end = exitCode === 0 ? [] : [`exit code ${exitCode}`];
  return [`$ ${line}`, ...screen.map((one) => settled(one, stage.server)), ...end].join('\n');
}

/** The same for every recording. */
function settled(line: string, server: string): string {
  return line
    .replaceAll(server, '/srv/home')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, '2026-11-20 11:00:52')
    .replaceAll(/\d{8}T\d{6}Z-[0-9a-f]{9}/g, '20261120T110052Z-5171f2e3d')
    .replaceAll(/\bat [0-9a-f]{12}\b/g, 'at 1f2e3d4c5b6a')
    .replaceAll(/\((\d+ ms|[\d.]+ s)\)/g, '(0.2 s)');
}
