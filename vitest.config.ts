import { defineConfig } from 'vitest/config';

/** Integration tests that run with the end-to-end ones: `npm test` shall end within a quarter of an hour. */
const LONG = 'test/integration/**/*.long.test.ts';

export default defineConfig({
  test: {
    reporters: ['default', './test/reporter.ts'],
    projects: [
      // For what hangs: a test that takes a second alone takes seven where others fill both cores.
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 30_000 } },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude: [LONG],
          globalSetup: ['test/summarizing-postgres.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', LONG],
          exclude: ['test/e2e/compose/**', 'test/e2e/kubernetes/**', 'test/e2e/pooler/**'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'poolers',
          include: ['test/e2e/pooler/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'compose',
          include: ['test/e2e/compose/**/*.test.ts'],
          globalSetup: ['test/e2e/compose/prepare.ts'],
          testTimeout: 300_000,
          // The first one builds the image of the S3 server.
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'kubernetes',
          include: ['test/e2e/kubernetes/**/*.test.ts'],
          globalSetup: ['test/e2e/kubernetes/prepare.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
