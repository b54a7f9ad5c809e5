import base from './vitest.config.js'

/** Tests from real pages in Chromium: `npm run test:browser`. They are not part of `npm test`. */
export default {
  ...base,
  test: {
    ...base.test,
    include: ['test/browser/**/*.browser.ts'],
    globalSetup: 'test/browser/setup.ts',
    reporters: ['default', './test/browser/reporter.ts']
  }
}
