/** What the server of the demo offers to its own page. @module */

/** @typedef {{ id: string, name: string, url: string }} Api */

/** @returns {Promise<{ issuer: string, clientId: string, redirectUri: string, apis: Api[], noncesRequired: boolean }>} */
export async function loadConfig() {
  return await request('GET', '/demo/config')
}

/** What the user and the authorization server sent to each other, which this page cannot see. */
export async function loadInteractions(state) {
  return await request('GET', `/demo/interactions?${new URLSearchParams({ state })}`)
}

/** Whether the authorization server and the APIs require nonces. */
export async function requireNonces(required) {
  await request('PUT', '/demo/nonces', { required })
}

/** All checks of a request, from the verifier of the API, before it is sent. The proof is not consumed. */
export async function explain(api, { method, url, headers }) {
  return await request('POST', '/demo/explain', { api: api.id, method, target: new URL(url).pathname, headers })
}

async function request(method, path, body) {
  const response = await fetch(path, { method, ...(body && { body: JSON.stringify(body) }) })
  if (!response.ok) throw new Error(`The demo server responded with ${response.status}`)
  return await response.json()
}
