/** How knip finds unused files, exports and dependencies. The programs of the documents count as uses. */

/** The imports of the TypeScript programs of a document. */
function importsOf(markdown) {
  const programs = [...markdown.matchAll(/^```ts \w+\n(.*?)^```/gms)].map(([, program]) => program)
  return programs.flatMap((program) => program.match(/^import (?:[^']*? from )?'[^']+'$/gm) ?? []).join('\n')
}

export default {
  workspaces: {
    '.': {
      entry: [
        'examples/*.mjs',
        'examples/{apis,mcp}/*',
        'examples/web/main.js',
        'benchmarks/*.mjs',
        'benchmarks/{parties,servers}/*.mjs',
        'test/**/*.test.ts',
        'test/**/*.mjs',
        'test/**/*.d.mts',
        'test/conformance/reporter.ts',
        'test/browser/**/*.browser.ts',
        'test/browser/{setup,reporter}.ts',
        'test/browser/page/*.ts',
        'test/vectors/{portable,recording}.ts',
        'vitest.mutation.config.ts',
        '**/*.md'
      ],
      ignore: ['test/matrix/consumers/**'],
      ignoreDependencies: ['@as-integrations/express5', 'typedoc-plugin-markdown'],
      project: [
        'src/**',
        'adapters/**',
        'examples/**',
        '!examples/{express,fastify,hono,koa,mcp-server,nestjs,redis,spa}/**',
        'benchmarks/**',
        'test/**'
      ]
    },
    'test/compat/*': {
      ignoreDependencies: ['.*']
    }
  },
  rules: {
    duplicates: 'off'
  },
  ignoreBinaries: ['redis-server', 'flock', 'dpkg-query'],
  ignoreExportsUsedInFile: {
    interface: true,
    type: true
  },
  compilers: { md: importsOf }
}
