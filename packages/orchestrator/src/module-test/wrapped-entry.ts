import fs from 'node:fs';
import path from 'node:path';
import { OrchestratorError } from '../errors.ts';
import { ENTRY_NAMES, findEntry } from '../module-index.ts';

/** How the test tells the module's run what to do, and hears from it; files in the scratch folder. */
export interface RunControl {
  /** There: make main fail after its last step. */
  fail: string;
  /** There: wait for `go` before main begins. */
  wait: string;
  /** Written when main is about to begin. */
  begun: string;
  go: string;
}

/**
 * Puts an entry of ours before the module's own, which runs under another name beside it: so the module can be made to fail
 * after its last step, and to wait until whoever is going to kill it is ready. Throws OrchestratorError 'usage'.
 */
export function wrapEntry(directory: string, control: RunControl): void {
  const entry = findEntry(directory);
  if (entry === undefined)
    throw new OrchestratorError('usage', `${directory} has no entry (${ENTRY_NAMES.join(', ')})`);
  const original = `entry-under-test${path.extname(entry)}`;
  fs.renameSync(entry, path.join(directory, original));
  fs.writeFileSync(path.join(directory, ENTRY_NAMES[0]), source(original, control));
}

const source = (original: string, { fail, wait, begun, go }: RunControl): string => `import fs from 'node:fs';

export async function main(args: string[], context: unknown): Promise<unknown> {
  if (fs.existsSync(${JSON.stringify(wait)})) {
    fs.writeFileSync(${JSON.stringify(begun)}, '');
    const tick = new Int32Array(new SharedArrayBuffer(4));
    while (!fs.existsSync(${JSON.stringify(go)})) Atomics.wait(tick, 0, 0, 1);
  }
  const { main: original } = await import('./${original}');
  if (typeof original !== 'function')
    return { success: false, error: 'the entry does not export a function main(args, context)' };
  const result = await original(args, context);
  if (!fs.existsSync(${JSON.stringify(fail)})) return result;
  return { success: false, error: 'made to fail by the module test' };
}
`;
