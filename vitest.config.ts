import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: '#crypto', replacement: here('src/crypto/node.ts') },
      { find: /^dpop-guard$/, replacement: here('src/index.ts') },
      { find: /^dpop-guard\/ticket$/, replacement: here('src/ticket/index.ts') },
      { find: /^dpop-guard\/testing$/, replacement: here('src/testing/index.ts') },
      { find: /^dpop-guard\/nestjs$/, replacement: here('adapters/nestjs/index.ts') },
      { find: /^dpop-guard\/(express|fastify|koa|fetch|hono|mcp|opentelemetry)$/, replacement: here('adapters/$1.ts') }
    ]
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/matrix/consumers/**'],
    testTimeout: 20_000,
    // The default leaves one core unused, so that two cores would run one file at a time.
    maxWorkers: '100%',
    // Tests cause rejections and outages that are printed once.
    execArgv: ['--disable-warning=DPOP_GUARD_NOTHING_ACCEPTED', '--disable-warning=DPOP_GUARD_METADATA'],
    onConsoleLog: (log) => !log.startsWith('dpop-guard: ERR_DPOP_'),
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'adapters/**/*.ts'],
      exclude: ['test/**'],
      reporter: [['text', { skipFull: true }], 'json-summary'],
      thresholds: { lines: 100, branches: 100, functions: 100, statements: 100 }
    }
  }
})
