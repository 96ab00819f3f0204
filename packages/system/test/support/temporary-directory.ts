import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/** As in `@homeserver/test-support`, which is built on this package and therefore cannot be imported here. */
export function temporaryDirectory(): string {
  const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'homeserver-test-')));
  onTestFinished(() => fs.rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  return directory;
}
