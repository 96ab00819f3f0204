import type { Options } from 'tsup';

/** One build for every package: ESM for Node 24; types come from tsc, because TypeScript 7 has no compiler API for tsup to call. */
const config = (given: Options): Options => ({
  entry: given.entry ?? ['src/index.ts'],
  format: ['esm'],
  target: 'node24',
  platform: 'node',
  dts: false,
  clean: true,
  sourcemap: true,
  splitting: true,
  removeNodeProtocol: false, // node:sqlite has no other name.
});
export default config;
