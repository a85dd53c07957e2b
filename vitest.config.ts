import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    reporters: process.env.CI ? ['dot'] : ['default'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // real servers and processes: more files at a time than cores would only measure the scheduler
    maxWorkers: 2,
    maxConcurrency: 2,
  },
});
