import fs from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { runCommand } from '@homeserver/system';
import { temporaryDirectory } from '@homeserver/test-support';

/** Puts a program named `git` first in PATH, until the test ends: the shell script `body`, then the real git. */
export async function replaceGit(body: string): Promise<void> {
  const real = (await runCommand(['/bin/sh', '-c', 'command -v git'])).stdout.toString().trim();
  const bin = temporaryDirectory();
  fs.writeFileSync(path.join(bin, 'git'), `#!/bin/sh\n${body}\nexec ${real} "$@"\n`, { mode: 0o755 });
  setPath(`${bin}:${process.env['PATH'] ?? ''}`);
}

/** PATH, until the test ends. */
export function setPath(value: string): void {
  const before = process.env['PATH'] ?? '';
  process.env['PATH'] = value;
  onTestFinished(() => void (process.env['PATH'] = before));
}

/** A git that never answers this command. */
export async function hangGitAt(command: string): Promise<void> {
  await replaceGit(`for word; do [ "$word" = ${command} ] && exec sleep 600; done`);
}
