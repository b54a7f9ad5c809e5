/** Testing kit for APIs: an issuer, a client and a clock, in this process and without network. @module dpop-guard/testing */

export { type FakeClock, fakeClock } from './fake-clock.js'
export { createTestClient, type ProofSpec, type TestClient, type TestClientOptions } from './test-client.js'
export { createTestIssuer, type TestIssuer, type TestIssuerOptions, type TokenSpec } from './test-issuer.js'
