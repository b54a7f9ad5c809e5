/** The requests with the proofs of one implementation and one key. Each must have its expected outcome, otherwise an error is thrown. */

const TIMEOUT_MS = 30_000

/**
 * Sends proofs that must be accepted: to the authorization server, and to each API without and with a nonce. Each one is also sent with
 * another access token of the same key, and a second time. Returns an access token.
 */
export async function expectAccepted(name, makeProof, server, apis) {
  const tokens = []
  for (const _api of apis) {
    const proof = await makeProof({ method: 'POST', url: server.tokenEndpoint })
    tokens.push(await server.requestToken(name, proof))
  }
  for (const [index, api] of apis.entries()) {
    const token = tokens[index]
    const otherToken = tokens.at(index - 1)
    await expectOneUse(api, { method: 'GET', path: '/notes', token, otherToken }, makeProof)

    const nonceRequest = { method: 'POST', path: '/nonce/notes', token, otherToken }
    const first = await makeProof(proofOf(api, nonceRequest))
    const { nonce } = await expectOutcome(api, nonceRequest, first, token, 'ERR_DPOP_NONCE_REQUIRED')
    await expectOneUse(api, { ...nonceRequest, nonce }, makeProof)
  }
  return tokens[0]
}

/** Sends a proof that each API must reject with a code. */
export async function expectRejected(code, makeProof, token, apis) {
  for (const api of apis) {
    const request = { method: 'GET', path: '/notes', token }
    await expectOutcome(api, request, await makeProof(proofOf(api, request)), token, code)
  }
}

async function expectOneUse(api, request, makeProof) {
  const { token, otherToken } = request
  const proof = await makeProof(proofOf(api, request))
  await expectOutcome(api, request, proof, otherToken, 'ERR_DPOP_PROOF_ATH')
  await expectOutcome(api, request, proof, token, 'accepted')
  await expectOutcome(api, request, proof, token, 'ERR_DPOP_PROOF_REPLAYED')
}

/** The `htu` of a proof has no query (RFC 9449 §4.2); the request has one. */
function proofOf(api, { method, path, token, nonce }) {
  return { method, url: api.url + path, token, nonce }
}

async function expectOutcome(api, { method, path }, proof, token, expected) {
  const headers = { authorization: `DPoP ${token}`, dpop: proof }
  const response = await fetch(`${api.url}${path}?page=2`, { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS) })
  const { code = 'accepted' } = await response.json()
  const isExpected = code === expected && response.status === (expected === 'accepted' ? 200 : 401)
  if (!isExpected)
    throw new Error(`${api.name}: ${method} ${path} responded with ${response.status} ${code} instead of ${expected}`)
  return { nonce: response.headers.get('dpop-nonce') }
}
