import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { executablePath } from '@homeserver/program-build';
import { ensureDebianPackages, temporaryDirectory } from '@homeserver/test-support';
import { describe } from 'vitest';

const apps = path.join(import.meta.dirname, '../../..');
const PACKAGES = ['qemu-user-static', 'libc6-arm64-cross', 'libstdc++6-arm64-cross', 'libgcc-s1-arm64-cross'];
const isArm64 = process.arch === 'arm64';

/** The first bytes of a program for arm64, and which bits of them count: binfmt_misc has the kernel start those by the emulator. */
const ELF_OF_ARM64 = String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`;
const BITS = String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`;

export interface Ended {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/**
 * `describe` for programs for arm64: on such a machine, or in Debian's qemu-user. Where neither can be, or `whyNot` says that
 * there are no programs, the tests are counted as skipped, and one line says why. To be awaited at the top of a test file.
 */
export async function describeOnArm64(name: string, whyNot: string | undefined, body: () => void): Promise<void> {
  const reason = whyNot ?? (isArm64 ? undefined : await whyNoEmulation());
  if (reason === undefined) return void describe(name, body);
  process.stderr.write(`LEFT OUT: ${name}: ${reason}\n`);
  describe.skip(name, body);
}

/** Runs a program of ours for arm64, and all that it starts, as this user, with a /var/cache of its own. */
export function onArm64(app: 'updater' | 'rollback-standalone', ...args: string[]): Ended {
  const argv = [executablePath(path.join(apps, app), 'arm64'), ...args];
  return isArm64 ? run(argv) : run(emulated(temporaryDirectory(), argv));
}

/** Linux has a binfmt_misc for each user namespace since 6.7. */
async function whyNoEmulation(): Promise<string | undefined> {
  const missing = await ensureDebianPackages(PACKAGES);
  if (missing.length > 0) return `these Debian packages are not here: ${missing.join(', ')}`;
  const cache = fs.mkdtempSync(path.join(os.tmpdir(), 'homeserver-emulator-'));
  const { exitCode, stderr } = run(emulated(cache, ['true']));
  fs.rmSync(cache, { recursive: true });
  return exitCode === 0 ? undefined : `no emulator can be set for a user namespace here: ${stderr.trim()}`;
}

function emulated(cache: string, argv: readonly string[]): string[] {
  const script = path.join(import.meta.dirname, 'emulate.sh');
  const rule = `:arm64:M::${ELF_OF_ARM64}:${BITS}:/usr/bin/qemu-aarch64-static:`;
  const user = [process.getuid?.(), process.getgid?.()].map(String);
  return ['unshare', '--user', '--map-root-user', '--mount', 'sh', script, cache, rule, ...user, ...argv];
}

function run([file, ...args]: readonly string[]): Ended {
  const { status, stdout, stderr, error } = spawnSync(file as string, args, { encoding: 'utf8', input: '', cwd: '/' });
  if (error !== undefined) throw error;
  return { exitCode: status, stdout, stderr };
}
