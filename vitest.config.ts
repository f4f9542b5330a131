import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Most tests wait for jobs; one worker for each core but one, which is the default, leaves two cores half idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // CI's machines are shared: a launcher that is stopped by others for seconds is no fault of ours. A test that needed another try says so.
    retry: process.env.CI === 'true' ? 2 : 0,
    // For npm run test:coverage: of what runs in vitest's own processes. Jobs run what is in dist, in processes of their own.
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text', 'text-summary'],
      reportsDirectory: 'coverage',
    },
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
