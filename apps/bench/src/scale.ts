/** How large the trees are, and how often each thing is measured. */
export interface Scale {
  name: 'full' | 'quick' | 'tiny';
  rounds: number;
  /** Rounds of what takes milliseconds. */
  shortRounds: number;
  small: { files: number; directories: number; fileBytes: number };
  /** For owner and mode. */
  permissions: { files: number; directories: number; fileBytes: number };
  /** For the memory of a whole disk. */
  many: { files: number; directories: number; fileBytes: number };
  largeBytes: number;
  web: { files: number; bytes: number };
  databaseBytes: number;
  /** How many modules do nothing in the cycles that are compared; the first number is the one that has a target. */
  modules: readonly [number, ...number[]];
}

const MIB = 1024 * 1024;

/** The trees of the targets. */
export const full: Scale = {
  name: 'full',
  rounds: 5,
  shortRounds: 15,
  small: { files: 50_000, directories: 2000, fileBytes: 4096 },
  permissions: { files: 100_000, directories: 4000, fileBytes: 16 },
  many: { files: 1_000_000, directories: 40_000, fileBytes: 16 },
  largeBytes: 2048 * MIB,
  web: { files: 31_000, bytes: 500 * MIB },
  databaseBytes: 200e6,
  modules: [20, 100, 1000],
};

/** A tenth of that and less, for a look between two changes: the start of each program weighs more than it should. */
export const quick: Scale = {
  name: 'quick',
  rounds: 3,
  shortRounds: 5,
  small: { files: 5000, directories: 200, fileBytes: 4096 },
  permissions: { files: 10_000, directories: 400, fileBytes: 16 },
  many: { files: 100_000, directories: 4000, fileBytes: 16 },
  largeBytes: 192 * MIB,
  web: { files: 3000, bytes: 50 * MIB },
  databaseBytes: 20e6,
  modules: [20, 100],
};

/** For the test of the harness. */
export const tiny: Scale = {
  name: 'tiny',
  rounds: 2,
  shortRounds: 2,
  small: { files: 50, directories: 5, fileBytes: 4096 },
  permissions: { files: 50, directories: 5, fileBytes: 16 },
  many: { files: 500, directories: 20, fileBytes: 16 },
  largeBytes: 2 * MIB,
  web: { files: 60, bytes: 2 * MIB },
  databaseBytes: 1e5,
  modules: [2, 4],
};
