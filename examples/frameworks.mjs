/** The notes API in each framework. @module */

/**
 * @typedef {object} Framework
 * @property {string} id also the name of the file in apis/
 * @property {string} name
 * @property {() => Promise<{ createNotesApi: CreateNotesApi }>} load
 *
 * @typedef {(options: import('dpop-guard').VerifierOptions | import('dpop-guard').Verifier, settings?: { pageOrigin?: string }) =>
 *   RunningApi | Promise<RunningApi>} CreateNotesApi
 * @typedef {{ handler: import('node:http').RequestListener, close(): unknown }} RunningApi
 */

/** @type {Framework[]} */
export const frameworks = [
  { id: 'express', name: 'Express', load: () => import('./apis/express.mjs') },
  { id: 'fastify', name: 'Fastify', load: () => import('./apis/fastify.mjs') },
  { id: 'koa', name: 'Koa', load: () => import('./apis/koa.mjs') },
  { id: 'nestjs', name: 'NestJS', load: () => import('./apis/nestjs.mjs') },
  { id: 'hono', name: 'Hono', load: () => import('./apis/hono.mjs') }
]
