import type { RequestListener } from 'node:http'
import type { CallToolResult, DpopSession, RequestOptions } from '@modelcontextprotocol/client'
import type { VerifierOptions } from 'dpop-guard'

/** A signed-in client of the official SDK. */
export interface ConnectedClient {
  readonly dpop: DpopSession
  /** What the client keeps. */
  readonly session: {
    readonly authorizationUrl: URL
    readonly tokens: { readonly access_token: string; readonly token_type: string; readonly scope: string }
  }
  /** The `scope` of each authorization request. */
  readonly asked: readonly string[]
  callTool(name: string, args?: object, options?: RequestOptions): Promise<CallToolResult>
}

/** An authorization server, an MCP server and a user. */
export interface World {
  readonly issuer: string
  /** The URL of the MCP endpoint. */
  readonly resource: string
  connect(fetch?: typeof globalThis.fetch): Promise<ConnectedClient>
  close(): Promise<void>
}

/** Starts the parties; the options are those of the verifier of the MCP server. */
export function startWorld(options?: Partial<VerifierOptions>): Promise<World>

/** The MCP server alone. */
export function createNotesServer(options: Partial<VerifierOptions> & { readonly baseUrl: string }): {
  readonly resource: string
  readonly handler: RequestListener
  close(): Promise<void>
}
