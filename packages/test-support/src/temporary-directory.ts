import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/** A fresh directory with a real path, removed when the running test ends. */
export function temporaryDirectory(): string {
  const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'homeserver-test-')));
  onTestFinished(() => fs.rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  return directory;
}
