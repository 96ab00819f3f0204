import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runSuccessor, type SuccessorEnd } from '@homeserver/system';
import { RELEASE_ENTRY, type Release } from './release.ts';
import { takeoverEnvironment, type Takeover } from './takeover.ts';

export interface StartOptions {
  /** Arguments of the command line, without the program. */
  args: readonly string[];
  /** It must have been loaded by then. */
  startWithinMs: number;
  /** It goes on with this cycle, and holds its lock: descriptors of ours. */
  takeover?: Omit<Takeover, 'locks'> & { lockDescriptors: readonly number[] };
  /** Keeps its standard output, so that it can be thrown away. */
  holdOutput?: boolean;
}

const FIRST_HELD_DESCRIPTOR = 4; // After stdin, stdout, stderr and the channel to us.
const script = fileURLToPath(new URL(`./release-starter${path.extname(import.meta.url)}`, import.meta.url));

/** Runs a release in our place until it ends. Never throws: `started` and `notStarted` say whether it could be loaded. */
export function startRelease({ directory }: Release, options: StartOptions): Promise<SuccessorEnd> {
  const { args, startWithinMs, takeover, holdOutput = false } = options;
  const held = takeover?.lockDescriptors ?? [];
  const env =
    takeover === undefined
      ? {}
      : takeoverEnvironment({
          from: takeover.from,
          run: takeover.run,
          locks: held.map((_, at) => FIRST_HELD_DESCRIPTOR + at),
        });
  return runSuccessor(script, {
    args: [path.join(directory, RELEASE_ENTRY), process.argv[1] ?? '', ...args],
    env,
    holdDescriptors: held,
    startWithinMs,
    holdOutput,
  });
}
