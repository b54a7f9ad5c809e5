/** How test/mutation/run.mjs mutates. Static code too: tables and constants decide as much as what runs for each request. */
export default {
  packageManager: 'npm',
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts' },
  mutate: ['src/**/*.ts', '!src/index.ts', '!src/testing/**'],
  ignorePatterns: ['dist', 'coverage', 'reports', 'benchmarks', 'examples', '.ci'],
  coverageAnalysis: 'perTest',
  ignoreStatic: false,
  timeoutMS: 5_000,
  reporters: ['json', 'progress-append-only'],
  thresholds: { high: 95, low: 92, break: null },
  tempDirName: '.stryker-tmp'
}
