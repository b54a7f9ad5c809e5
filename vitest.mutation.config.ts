import { defineConfig, mergeConfig } from 'vitest/config'
import base from './vitest.config.js'

/** The tests that mutation testing runs for every change: those without sockets, servers and child processes. */
export default mergeConfig(
  base,
  defineConfig({
    test: {
      include: ['test/**/*.test.ts'],
      exclude: ['test/{adapters,conformance,examples,fuzz,instances,readme,wycheproof}/**', 'test/vectors/adapters.test.ts']
    }
  })
)
