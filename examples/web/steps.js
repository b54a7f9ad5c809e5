/** The thirteen steps from sign-in to resource: who sends what to whom, and why. @module */

/** The parties of the diagram. Steps name them by index. */
export const parties = ['You', 'This page', 'Authorization server', 'Notes API']

const [YOU, PAGE, SERVER, API] = parties.keys()

/** The first step of the second diagram. */
export const FIRST_API_STEP = 11

/** @type {{ title: string, from: number, to: number, text: string }[]} */
export const steps = [
  {
    title: 'Start',
    from: YOU,
    to: PAGE,
    text: 'You ask this page to sign you in. The page is a public client: it has no secret of its own.'
  },
  {
    title: 'Authorization request',
    from: PAGE,
    to: SERVER,
    text: 'The browser goes to the authorization server. The page accepts only a response with this `state`. Only the page knows the secret behind `code_challenge` (PKCE, RFC 7636). `resource` names the APIs that tokens are for (RFC 8707).'
  },
  {
    title: 'Sign-in and consent pages',
    from: SERVER,
    to: YOU,
    text: 'The authorization server authenticates you and requests your consent. The page cannot see this: the server of the demo recorded it.'
  },
  {
    title: 'Credentials and consent',
    from: YOU,
    to: SERVER,
    text: 'Your password goes to the authorization server and never to the page.'
  },
  {
    title: 'Authorization code',
    from: SERVER,
    to: PAGE,
    text: 'The browser comes back with a code that can be redeemed once. The page compares `state` and `iss` with what it expects.'
  },
  {
    title: 'Key pair',
    from: PAGE,
    to: PAGE,
    text: 'The page creates a key pair with WebCrypto and keeps it in IndexedDB. The private key is not extractable: a script can sign with it in this browser, but cannot copy it.'
  },
  {
    title: 'DPoP proof',
    from: PAGE,
    to: PAGE,
    text: 'The page signs a proof for one request: its method, its URL, the time, a unique identifier, and the public key in the header (RFC 9449 §4.2).'
  },
  {
    title: 'Token request',
    from: PAGE,
    to: SERVER,
    text: 'The page redeems the code, or its refresh token, and sends the proof along.'
  },
  {
    title: 'Token bound to the key',
    from: SERVER,
    to: SERVER,
    text: 'The authorization server verifies the proof and writes the thumbprint of its key into the access token as `cnf.jkt` (RFC 9449 §6). From now on the token is useless without that key.'
  },
  {
    title: 'Access token',
    from: SERVER,
    to: PAGE,
    text: 'The response has the `token_type` `DPoP` instead of `Bearer`.'
  },
  {
    title: 'API request',
    from: PAGE,
    to: API,
    text: 'Each request has the access token and a new proof, which also has the hash of the token as `ath`. The API has another origin, so the browser sends a preflight request first (CORS).'
  },
  {
    title: 'Verification',
    from: API,
    to: API,
    text: 'dpop-guard verifies the access token, the proof and the binding between them. This list is the result of `verifier.explain()` for the same request.'
  },
  {
    title: 'Response',
    from: API,
    to: PAGE,
    text: 'The resource, or a challenge that names the error (RFC 9449 §7.1).'
  }
]
