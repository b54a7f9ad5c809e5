/** The folders of src/, and integrations, with the tests that must detect every mutant of them. Detection by other tests does not count. */
export const folders = [
  { name: 'request', mutate: ['src/request/**'], tests: ['test/request/**'] },
  { name: 'cache', mutate: ['src/cache/**'], tests: ['test/cache/**'] },
  { name: 'encoding', mutate: ['src/encoding/**'], tests: ['test/encoding/**'] },
  { name: 'crypto', mutate: ['src/crypto/**'], tests: ['test/crypto/**', 'test/ml-dsa.test.ts'] },
  {
    name: 'proof',
    mutate: ['src/proof/**'],
    tests: ['test/proof/**', 'test/{telemetry,verified-request}.test.ts']
  },
  {
    name: 'token',
    mutate: ['src/token/**'],
    tests: ['test/token/**', 'test/crypto/web-verifier.test.ts', 'test/telemetry.test.ts', 'test/policy/unsupported-acr.test.ts']
  },
  {
    name: 'freshness',
    mutate: ['src/freshness/**'],
    tests: [
      'test/freshness/**',
      'test/fuzz/replay-memory.test.ts',
      'test/diagnostics/explain.test.ts',
      'test/telemetry.test.ts',
      'test/config/lone-memory.test.ts',
      'test/crypto/web-verifier.test.ts'
    ]
  },
  {
    name: 'response',
    mutate: ['src/errors.ts', 'src/response/**'],
    tests: ['test/errors.test.ts', 'test/response/**', 'test/policy/**', 'test/freshness/nonce.test.ts']
  },
  { name: 'ticket', mutate: ['src/ticket/**'], tests: ['test/ticket/**'] },
  { name: 'policy', mutate: ['src/policy/**', '!src/policy/mcp-rules.ts'], tests: ['test/policy/**'] },
  { name: 'mcp', mutate: ['src/policy/mcp-rules.ts'], tests: ['test/policy/mcp-rules.test.ts', 'test/adapters/mcp.test.ts'] },
  { name: 'diagnostics', mutate: ['src/diagnostics/**'], tests: ['test/diagnostics/!(built-)*.test.ts'] },
  { name: 'cli', mutate: ['src/cli/**', '!src/cli/main.ts'], tests: ['test/cli/!(built-)*.test.ts'] },
  {
    name: 'nestjs',
    mutate: ['decorators', 'exception', 'guard-check', 'metadata'].map((name) => `adapters/nestjs/dpop.${name}.ts`),
    tests: ['test/adapters/nestjs-12.test.ts']
  },
  { name: 'integrations', mutate: ['adapters/opentelemetry.ts'], tests: ['test/adapters/opentelemetry.test.ts'] },
  {
    name: 'config',
    mutate: ['src/config/**'],
    tests: [
      'test/options.test.ts',
      'test/config/**',
      'test/response/resource-metadata.test.ts',
      'test/policy/unsupported-acr.test.ts'
    ]
  },
  {
    name: 'verifier',
    mutate: ['src/*.ts', '!src/errors.ts', '!src/index.ts', '!src/options.ts'],
    tests: [
      'test/{verifier,verifier-source,verify-request,verified-request,lazy-verifier,telemetry}.test.ts',
      'test/policy/**',
      'test/response/resource-metadata.test.ts',
      'test/freshness/{nonce,redis-replay-store}.test.ts',
      'test/token/{audience-comparison,client-certificate,issuers}.test.ts',
      'test/diagnostics/!(built-)*.test.ts'
    ]
  }
]
