/** How test/mutation/run.mjs mutates. Static code runs once, at import: a change of it cannot be told to one test, and is left out. */
export default {
  packageManager: 'npm',
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts' },
  mutate: ['src/**/*.ts', '!src/index.ts', '!src/testing/**'],
  ignorePatterns: ['dist', 'docs', 'coverage', 'reports', 'benchmarks', 'examples', '.ci'],
  coverageAnalysis: 'perTest',
  ignoreStatic: true,
  concurrency: 2,
  timeoutMS: 5_000,
  reporters: ['json'],
  thresholds: { high: 95, low: 92, break: null },
  tempDirName: '.stryker-tmp'
}
