import { createInterface } from 'node:readline/promises';
import type { CommandContext } from './command-context.ts';
import { SettingsError } from './settings/settings-error.ts';

export interface Question {
  text: string;
  /** --yes: do not ask. */
  yes: boolean | undefined;
  /** Without a terminal to ask on: go on, because nothing is lost, or refuse. */
  withoutTerminal: 'go-on' | 'refuse';
}

/** Asks before something is put back or removed. Throws SettingsError, with nothing touched, unless the answer is yes. */
export async function confirm({ signal }: CommandContext, { text, yes, withoutTerminal }: Question): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    if (withoutTerminal === 'go-on') return;
    throw new SettingsError('nothing was touched: there is no terminal to ask on', { hint: 'add --yes' });
  }
  if (!(await askYesOrNo(text, signal)))
    throw new SettingsError('nothing was touched', { hint: 'to do it after all, add --yes' });
}

/** On stderr, so that stdout keeps the answer alone. Only "y" and "yes" are a yes; the end of input and a signal are a no. */
async function askYesOrNo(question: string, signal: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  const ended = new Promise<string>((resolve) => {
    terminal.once('close', () => resolve(''));
    signal.addEventListener('abort', () => resolve(''), { once: true });
  });
  try {
    const answer = await Promise.race([terminal.question(`${question} [y/N] `), ended]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
