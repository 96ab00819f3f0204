import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** For every package. The limits are there to end what hangs, not to judge how fast the machine is. */
const config: ViteUserConfig = defineConfig({
  test: {
    root: process.cwd(),
    testTimeout: 180_000,
    hookTimeout: 180_000,
    reporters: ['default', ['json', { outputFile: '.test-results.json' }]],
  },
});
export default config;
