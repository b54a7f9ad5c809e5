/** The parties of examples/mcp, typed for tests. @module */

export { createNotesServer } from '../../examples/mcp/server.mjs'
export { startWorld } from '../../examples/mcp/world.mjs'
