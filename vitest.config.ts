import os from 'node:os';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** Set by `testsOnServer` of test-support: the files that it runs are run nowhere else, and cannot write beside them. */
const resultsOnServer = process.env['TEST_RESULTS_ON_SERVER'];

// What the tests make has the modes that they name, or these, whoever runs them.
process.umask(0o022);

/** For every package. The limits are there to end what hangs, not to judge how fast the machine is. */
const config: ViteUserConfig = defineConfig({
  test: {
    root: process.cwd(),
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: Math.max(2, os.availableParallelism() - 1), // Many tests wait more than they compute.
    chaiConfig: { truncateThreshold: 1000 }, // For what is printed where no difference is shown.
    ...(resultsOnServer === undefined ? {} : { include: ['test/**/*.on-server.ts'] }),
    reporters: ['default', ['json', { outputFile: resultsOnServer ?? '.test-results.json' }]],
  },
});
export default config;
