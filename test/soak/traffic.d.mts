import type { TestClient } from 'dpop-guard/testing'

/** The members of a response that are compared. */
export interface SoakResponse {
  readonly status: number
  readonly error?: string
  readonly nonce?: string
  readonly bytes: number
}

type Send = (request: object) => Promise<SoakResponse>

/** The parameters of the traffic. */
export interface TrafficOptions {
  readonly http: {
    readonly send: Send
    readonly readSlowly: Send
    readonly stopReading: (request: object) => Promise<void>
    readonly abort: (request: object) => Promise<void>
    readonly abortBody: (request: object) => Promise<void>
    readonly abortHeaders: (request: object) => Promise<void>
  }
  readonly issuer: {
    tokenFor(jkt: string): Promise<string>
    opaqueTokenFor(jkt: string): string
    forgedTokenFor(jkt: string): Promise<string>
    expiredTokenFor(jkt: string): Promise<string>
  }
  readonly clients: TestClient[]
  readonly attacker: TestClient
  readonly apiUrl: string
  readonly largeBytes: number
  readonly count: (kind: string, problem?: string, latencyMs?: number) => void
  /** Numbers from 0 to 1 that select the requests. @defaultValue Math.random */
  readonly random?: () => number
}

/** Creates clients, some at a time. */
export function createClients(count: number, onProgress?: (created: number) => void): Promise<TestClient[]>
/** The requests of the endurance test. */
export function createTraffic(options: TrafficOptions): {
  visitAll(lanes: number, onProgress: (done: number) => void): Promise<void>
  sendAny(): Promise<void>
  rotateClients(number: number): Promise<void>
}
