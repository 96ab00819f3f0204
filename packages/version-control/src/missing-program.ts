import { VersionControlError } from './errors.ts';

/** What a sync cannot do without, and the Debian package that has it. */
const packages = { git: 'git', prlimit: 'util-linux' } as const;

/** A program that this package needs is not in PATH. */
export function missingProgram(name: keyof typeof packages): VersionControlError {
  return new VersionControlError('no-program', `${name} is not there`, {
    hint: `apt-get install ${packages[name]}`,
  });
}
