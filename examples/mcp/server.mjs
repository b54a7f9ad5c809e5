/** An MCP server over Streamable HTTP, whose tools keep the notes of the subject of the access token. @module */

import { EventEmitter, on } from 'node:events'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server'
import { createVerifier } from 'dpop-guard'
import { resourceMetadata } from 'dpop-guard/express'
import { mcpAuth } from 'dpop-guard/mcp'
import { onExpiry } from 'dpop-guard/ticket'
import express from 'express'
import { createNotes } from '../notes.mjs'

/** The scopes of each tool, besides `notes:read`, which every request requires. */
const toolScopes = { add: ['notes:write'] }

/**
 * @param {import('dpop-guard').VerifierOptions & { baseUrl: string }} options of the verifier; `baseUrl` is the origin of the server
 * @returns {{ resource: string, handler: import('express').Express, close(): Promise<void> }}
 */
export function createNotesServer(options) {
  const resource = `${options.baseUrl}/mcp`
  const verifier = createVerifier({
    audience: resource,
    metadata: { resources: [resource], scopesSupported: ['notes:read', 'notes:write'], resourceName: 'Notes' },
    ...options
  })
  const tools = createMcpHandler(createTools())
  const app = express()
  app.use(resourceMetadata(verifier))
  app.all('/mcp', mcpAuth(verifier, { scopes: ['notes:read'], toolScopes }), toNodeHandler(tools))
  return { resource, handler: app, close: () => tools.close() }
}

/** A server for each request, as the protocol is stateless; the notes are shared. */
function createTools() {
  const notes = createNotes()
  const added = new EventEmitter()

  const list = ({ http }) => result(notes.of(http.authInfo.extra.sub))

  const add = ({ text }, { http }) => {
    const owner = http.authInfo.extra.sub
    notes.add(owner, text)
    added.emit(owner, text)
    return result(notes.of(owner))
  }

  /** Sends each new note as a notification, which makes the response a stream. It ends with the access token at the latest. */
  const follow = async ({ count }, { http: { authInfo }, mcpReq }) => {
    const expired = new AbortController()
    const cancel = onExpiry(authInfo.expiresAt, () => expired.abort())
    const signal = AbortSignal.any([expired.signal, mcpReq.signal])
    const followed = []
    try {
      const events = on(added, authInfo.extra.sub, { signal })
      await sendProgress(mcpReq, 0, 'following')
      for await (const [text] of events) {
        followed.push(text)
        await sendProgress(mcpReq, followed.length, text)
        if (followed.length === count) break
      }
    } catch (error) {
      if (!expired.signal.aborted) throw error
    } finally {
      cancel()
    }
    return result(followed)
  }

  return () => {
    const server = new McpServer({ name: 'notes', version: '1.0.0' })
    server.registerTool('list', { description: 'Lists your notes' }, list)
    server.registerTool('add', { description: 'Adds a note', inputSchema: objectOf({ text: { type: 'string' } }) }, add)
    const counted = objectOf({ count: { type: 'integer', minimum: 1 } })
    server.registerTool('follow', { description: 'Streams your next notes', inputSchema: counted }, follow)
    return server
  }
}

function objectOf(properties) {
  return fromJsonSchema({ type: 'object', properties, required: Object.keys(properties) })
}

/** No effect if the client has not asked for notifications. */
async function sendProgress(mcpReq, progress, message) {
  const progressToken = mcpReq._meta?.progressToken
  if (progressToken === undefined) return
  await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, message } })
}

function result(notes) {
  return { content: notes.map((text) => ({ type: 'text', text })) }
}
