/** For the tests of an API: an issuer, a client and a clock, all in this process and without network. @module */

export { type FakeClock, fakeClock } from './fake-clock.js'
export { createTestClient, type ProofSpec, type TestClient, type TestClientOptions } from './test-client.js'
export { createTestIssuer, type TestIssuer, type TestIssuerOptions, type TokenSpec } from './test-issuer.js'
