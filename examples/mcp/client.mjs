/** An MCP client: the official one, with a DPoP key of its own, which asks the user whenever it lacks a scope. @module */

import { randomUUID } from 'node:crypto'
import { Client, DpopSession, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client'

/**
 * @param {object} settings
 * @param {string} settings.url the MCP endpoint
 * @param {string} settings.clientId
 * @param {string} settings.redirectUrl
 * @param {(authorizationUrl: URL) => Promise<URL>} settings.askUser has the user decide, and returns where they are redirected to
 * @param {typeof globalThis.fetch} [settings.fetch]
 */
export async function connectClient({ url, clientId, redirectUrl, askUser, fetch = globalThis.fetch }) {
  const dpop = await DpopSession.create()
  const session = createSession()
  const authProvider = createProvider({ clientId, redirectUrl, dpop, session })

  /** Repeats an operation after the user has allowed what it requires. */
  async function withUser(transport, operation, repeat = operation) {
    try {
      return await operation()
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error
      const { searchParams } = await askUser(session.authorizationUrl)
      // The transport checks the issuer of the response (RFC 9207), and leaves this to its user.
      if (searchParams.get('state') !== session.state) throw new Error('The authorization response has another state')
      await transport.finishAuth(searchParams)
      return await repeat()
    }
  }

  const newTransport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider, fetch })
  async function connect(transport) {
    const client = new Client({ name: 'example', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
    await client.connect(transport)
    return client
  }

  const first = newTransport()
  const client = await withUser(
    first,
    () => connect(first),
    // A transport is started once.
    () => connect(newTransport())
  )
  return {
    session,
    dpop,
    /** Calls a tool. A 403 with `insufficient_scope` leads to an authorization request for the scopes of the tool. */
    callTool: (name, args = {}, options = {}) =>
      withUser(client.transport, () => client.callTool({ name, arguments: args }, options)),
    close: () => client.close()
  }
}

/** What the client keeps for its user. */
function createSession() {
  return { state: undefined, authorizationUrl: undefined, codeVerifier: undefined, discovery: undefined, tokens: undefined }
}

/** The interface through which the transport reads and stores it. */
function createProvider({ clientId, redirectUrl, dpop, session }) {
  return {
    redirectUrl,
    clientMetadata: { redirect_uris: [redirectUrl], grant_types: ['authorization_code'], token_endpoint_auth_method: 'none' },
    clientInformation: () => ({ client_id: clientId }),
    dpop: () => dpop,
    state() {
      session.state = randomUUID()
      return session.state
    },
    redirectToAuthorization(url) {
      session.authorizationUrl = url
    },
    codeVerifier: () => session.codeVerifier,
    saveCodeVerifier(verifier) {
      session.codeVerifier = verifier
    },
    discoveryState: () => session.discovery,
    saveDiscoveryState(discovery) {
      session.discovery = discovery
    },
    tokens: () => session.tokens,
    saveTokens(tokens) {
      session.tokens = tokens
    }
  }
}
