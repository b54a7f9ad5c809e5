/** The script of a page that calls tools with the official client of the Model Context Protocol and its DPoP session. */

import { Client, DpopSession, StreamableHTTPClientTransport, withDpop } from '@modelcontextprotocol/client'

declare global {
  interface Window {
    mcp: typeof mcp
  }
}

let session: DpopSession

const mcp = {
  /** Creates a key pair and returns its thumbprint. */
  async createSession(): Promise<string> {
    session = await DpopSession.create()
    return session.thumbprint
  },

  /** Connects, calls a tool, and returns the content of its result. */
  async callTool(url: string, token: string, name: string): Promise<unknown> {
    // Otherwise the client tries an earlier revision, which has fewer header fields.
    const client = new Client({ name: 'page', version: '1.0.0' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
    const fetch = withDpop(session, () => token)((input, init) => window.fetch(input, init)) as typeof window.fetch
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { fetch }))
    const { content } = await client.callTool({ name, arguments: {} })
    await client.close()
    return content
  }
}
window.mcp = mcp
