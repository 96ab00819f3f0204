import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { program } from './run-updater.ts';
import type { ServerFolder } from './server-folder.ts';

export interface TerminalOptions {
  /** What somebody types once they are asked. */
  keys?: string;
  environment?: Record<string, string>;
  columns?: number;
  rows?: number;
}

/** Runs the program on a terminal of its own (script, of util-linux); `screen`: all that was written to it. */
export async function onTerminal(
  server: ServerFolder,
  words: string,
  { keys = '', environment = {}, columns = 80, rows = 24 }: TerminalOptions = {},
): Promise<{ exitCode: number; screen: string }> {
  const command = `stty cols ${columns} rows ${rows}; exec '${process.execPath}' '${program}' ${words}`;
  const child = spawn('/usr/bin/script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: {
      // No more than this: what whoever runs the tests has set (CI, NO_COLOR) would decide about colours.
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      ...server.environment,
      SHELL: '/bin/sh',
      TERM: 'xterm',
      LC_ALL: 'C.UTF-8',
      ...environment,
    },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let screen = '';
  let isAsked = false;
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    screen += chunk;
    if (!isAsked && screen.includes('[y/N] ')) child.stdin.write(keys);
    isAsked ||= screen.includes('[y/N] ');
  });
  const [exitCode] = (await once(child, 'close')) as [number];
  return { exitCode, screen: screen.replaceAll('\r\n', '\n') };
}
