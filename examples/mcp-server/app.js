/** An MCP server with two tools on the notes of the user. Clients discover the authorization server from its metadata. */

import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server'
import { createVerifier } from 'dpop-guard'
import { resourceMetadata } from 'dpop-guard/express'
import { mcpAuth } from 'dpop-guard/mcp'
import express from 'express'

/** The scopes of each tool, besides `notes:read`, which every request requires. */
const toolScopes = { add: ['notes:write'] }

const text = fromJsonSchema({ type: 'object', properties: { text: { type: 'string' } }, required: ['text'] })

/** The resource of the server is `/mcp` below `baseUrl`: clients request tokens with this audience (RFC 8707). */
export function createApp({ baseUrl, ...options }) {
  const resource = `${baseUrl}/mcp`
  const verifier = createVerifier({
    ...options,
    baseUrl,
    audience: [resource, baseUrl],
    metadata: { resources: [resource], scopesSupported: ['notes:read', 'notes:write'], resourceName: 'Notes' }
  })
  const app = express()
  app.use(resourceMetadata(verifier))
  app.all('/mcp', mcpAuth(verifier, { resource, scopes: ['notes:read'], toolScopes }), toNodeHandler(createTools()))
  return app
}

/** The protocol has no sessions: there is a server for each request, and the notes are shared. */
function createTools() {
  const notes = new Map()
  const notesOf = (owner) => notes.get(owner) ?? []
  return createMcpHandler(() => {
    const server = new McpServer({ name: 'notes', version: '1.0.0' })
    server.registerTool('list', { description: 'Lists your notes' }, ({ http }) => result(notesOf(http.authInfo.extra.sub)))
    server.registerTool('add', { description: 'Adds a note', inputSchema: text }, (note, { http }) => {
      const owner = http.authInfo.extra.sub
      notes.set(owner, [...notesOf(owner), note.text])
      return result(notesOf(owner))
    })
    return server
  })
}

function result(notes) {
  return { content: notes.map((note) => ({ type: 'text', text: note })) }
}
