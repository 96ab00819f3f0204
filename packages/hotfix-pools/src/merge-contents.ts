import fs from 'node:fs';
import path from 'node:path';
import { childEnvironment, describeEnd, runCommand } from '@homeserver/system';
import { HotfixError } from './errors.ts';
import { printable } from './printable-text.ts';

export interface MergeInput {
  /** What the owner has. */
  owner: Uint8Array;
  /** What was shipped when the owner began to edit. */
  shippedBefore: Uint8Array;
  shippedNow: Uint8Array;
}

/** The merged content, or the conflicts as `git merge-file` marks them. */
export type Merge = { content: Buffer } | { conflicts: number; marked: string };

const LABELS = ['-L', 'owner', '-L', 'shipped before', '-L', 'shipped now'];
const MAX_OUTPUT_BYTES = 64 * 1024 ** 2;

/**
 * Three-way merge of a file by `git merge-file`: what only the owner or only the shipped version changed since is taken from
 * where it changed. `scratch` is a directory of ours that exists. Throws HotfixError 'io' when git cannot do it (a binary
 * file, no git).
 */
export async function mergeContents(input: MergeInput, scratch: string): Promise<Merge> {
  const directory = fs.mkdtempSync(path.join(scratch, '.tmp-merge-'));
  try {
    const names = ['owner', 'shippedBefore', 'shippedNow'] as const;
    const files = names.map((name) => path.join(directory, name));
    for (const [at, name] of names.entries()) fs.writeFileSync(files[at] as string, input[name], { mode: 0o600 });
    const noSettings = { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_DIR: '/dev/null', LC_ALL: 'C' };
    const result = await runCommand(['git', 'merge-file', '-p', '--quiet', '--diff3', ...LABELS, ...files], {
      cwd: directory,
      env: childEnvironment(noSettings),
      maxOutputBytes: MAX_OUTPUT_BYTES,
    });
    const { exitCode, stdout } = result;
    if (exitCode === 0 && !result.truncated) return { content: stdout };
    // 1 to 127: so many conflicts; more: it could not be done.
    if (exitCode !== undefined && exitCode > 0 && exitCode < 128)
      return { conflicts: exitCode, marked: stdout.toString() };
    const why = result.stderr.toString().trim().split('\n').at(-1) || describeEnd(result);
    throw new HotfixError('io', printable(`cannot merge: ${why}`));
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}
