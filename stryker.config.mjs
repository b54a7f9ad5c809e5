/** Mutation testing of src/: every change of a line must make a test fail. Tests that need sockets or child processes are left out. */
export default {
  packageManager: 'npm',
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts' },
  mutate: ['src/**/*.ts', '!src/index.ts', '!src/testing/**'],
  ignorePatterns: ['dist', 'docs', 'coverage', 'reports', 'benchmarks', 'examples', '.ci'],
  coverageAnalysis: 'perTest',
  ignoreStatic: true,
  concurrency: 2,
  timeoutMS: 15_000,
  reporters: ['clear-text', 'progress', 'html', 'json'],
  clearTextReporter: { allowColor: false, logTests: false },
  thresholds: { high: 95, low: 92, break: 90 },
  tempDirName: '.stryker-tmp'
}
