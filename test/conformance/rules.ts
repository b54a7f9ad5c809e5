/** Every rule that a resource server with DPoP can be held to, by source and section, in our own words. @module */

/** Whether a rule is one for us. */
export type Applies =
  | { readonly to: 'resource server' }
  /** It binds somebody else, or says nothing that could be tested. */
  | { readonly to: 'nobody here'; readonly reason: string }
  /** It is one for us, and the part that it is about does not exist yet. */
  | { readonly to: 'part not built'; readonly part: string }

export interface Rule<Id extends string = string> {
  readonly id: Id
  /** Section of its source. */
  readonly section: string
  readonly level: string
  readonly text: string
  readonly applies: Applies
}

const rule = <const Id extends string>(
  id: Id,
  section: string,
  level: string,
  text: string,
  applies: Applies = { to: 'resource server' }
): Rule<Id> => ({ id, section, level, text, applies })

const no = (reason: string): Applies => ({ to: 'nobody here', reason })
const notBuilt = (part: string): Applies => ({ to: 'part not built', part })

const serverDuty = no('a duty of the authorization server')
const deployment = no('a matter of deployment')
const metadata = notBuilt('resource metadata')
const stepUp = notBuilt('step-up')
const crossOrigin = notBuilt('cross-origin requests')
const mcp = notBuilt('MCP')
const postQuantum = notBuilt('ML-DSA')

const dpop = [
  rule('D-01', '2', 'MUST', 'DPoP goes over TLS: base URLs are https, but for loopback'),
  rule('D-02', '4', 'rule', 'Every request has a proof of its own'),
  rule('D-03', '4', 'rule', 'A proof without a token opens nothing'),
  rule('D-04', '4.1', 'rule', 'The name of the DPoP field is case-insensitive'),
  rule('D-05', '4.1', 'rule', 'The value of the DPoP field is case-significant'),
  rule('D-06', '4.1', 'rule', 'The value of the DPoP field is one token68'),
  rule('D-07', '4.2', 'MUST', 'The header of a proof has typ, alg and jwk'),
  rule('D-08', '4.2', 'MUST', 'typ is dpop+jwt'),
  rule('D-09', '4.2', 'MUST NOT', 'alg is asymmetric: never none, never a MAC'),
  rule('D-10', '4.2', 'MUST NOT', 'jwk holds no private key'),
  rule('D-11', '4.2', 'MUST', 'The payload of a proof has jti, htm, htu and iat, each of its type'),
  rule('D-12', '4.2', 'MUST', 'With an access token the proof has ath'),
  rule('D-13', '4.2', 'MUST', 'ath is the unpadded base64url SHA-256 of the token'),
  rule('D-14', '4.2', 'rule', 'ath covers the token byte for byte as it was presented'),
  rule('D-15', '4.2', 'MUST', 'Once a nonce was given, the proof has it'),
  rule('D-16', '4.2', 'MAY', 'Other header parameters and claims do no harm'),
  rule('D-17', '4.2', 'MUST', 'jti is unique; we ask for a text that is not empty and not too long'),
  rule('D-18', '4.3 #1', 'MUST', 'There is no more than one DPoP field'),
  rule('D-19', '4.3 #2', 'MUST', 'Its value is one well-formed JWT'),
  rule('D-20', '4.3 #3', 'MUST', 'All required claims are there'),
  rule('D-21', '4.3 #4', 'MUST', 'typ is checked'),
  rule('D-22', '4.3 #5', 'MUST', 'alg is registered, asymmetric, supported and accepted by policy'),
  rule('D-23', '4.3 #6', 'MUST', 'The signature verifies with the jwk of the header'),
  rule('D-24', '4.3 #7', 'MUST', 'jwk is checked for private members'),
  rule('D-25', '4.3 #8', 'MUST', 'htm is the method of this request'),
  rule('D-26', '4.3 #9', 'MUST', 'htu is the URI of this request; query and fragment do not count on either side'),
  rule('D-27', '4.3 #10', 'MUST', 'nonce is one that this server gave'),
  rule('D-28', '4.3 #11', 'MUST', 'The time of creation is inside an acceptable window'),
  rule('D-29', '4.3 #12', 'MUST', 'ath is the hash of the token that came along'),
  rule('D-30', '4.3 #12', 'MUST', 'The key that the token is bound to is the key of the proof'),
  rule('D-31', '4.3', 'SHOULD', 'URIs are normalised as RFC 3986 §6.2.2 and §6.2.3 say before they are compared'),
  rule('D-32', '4.3', 'rule', 'The checks may run in any order', no('leaves the order to us')),
  rule('D-33', '6', 'MUST', 'We can tell whether a token is bound, and to what'),
  rule('D-34', '6', 'MUST', 'A token without a bound key is no DPoP token'),
  rule('D-35', '6.1', 'MUST', 'cnf.jkt is the base64url SHA-256 thumbprint of the key'),
  rule('D-36', '6.2', 'rule', 'The binding is the jkt of a top-level cnf, nowhere else'),
  rule('D-37', '6.2', 'MUST', 'token_type of an introspected bound token is DPoP'),
  rule('D-38', '6.2', 'rule', 'The proof is not sent to introspection'),
  rule('D-39', '7', 'MUST', 'A request carries both a token and a proof'),
  rule('D-40', '7.1', 'rule', 'Credentials are the scheme in any case, one or more spaces, one token68'),
  rule('D-41', '7.1', 'MUST', 'No access unless every check succeeds'),
  rule('D-42', '7.1', 'rule', 'The challenge is a 401 with the scheme DPoP'),
  rule('D-43', '7.1', 'SHOULD', 'The challenge has algs, and error where a token was presented and failed'),
  rule('D-44a', '7.1', 'MAY', 'Challenges may have other parameters', no('a permission that we do not use')),
  rule('D-44b', '7.1', 'rule', 'invalid_dpop_proof is for proofs, the codes of RFC 6750 for everything else'),
  rule('D-44c', '7.1', 'rule', 'Browsers may read WWW-Authenticate', crossOrigin),
  rule('D-44d', '7.1', 'MUST NOT', 'The scheme is never used towards proxies'),
  rule('D-45', '11.1', 'rule', 'A jti is good once for its URI, inside the window'),
  rule('D-46', '11.1', 'MUST', 'A proof is accepted for a limited time'),
  rule('D-47', '11.1', 'SHOULD', 'Large jti are refused, and only a hash is stored'),
  rule('D-48', '11.1', 'MAY', 'An iat slightly ahead is accepted'),
  rule('D-49', '11.1', 'MAY', 'With a nonce, its age takes the place of the iat window'),
  rule('D-50', '7.2', 'MUST', 'A bound token is not accepted as Bearer'),
  rule('D-51', '7.2', 'MUST', 'Nor in a query or a body'),
  rule('D-52', '7.2', 'rule', 'A 401 may have a challenge for each scheme'),
  rule('D-53', '7.2', 'SHOULD NOT', 'Without credentials no challenge has an error'),
  rule('D-54', '7.2', 'SHOULD', 'Where the scheme is clear, only its challenge has the error'),
  rule('D-55', '7.2', 'MAY', 'Two Authorization lines are a 400 on every challenge'),
  rule('D-56', '7.3', 'RECOMMENDED', 'A retry needs a new proof'),
  rule('D-60', '9', 'MAY', 'Nonces can be required'),
  rule('D-61', '9', 'rule', 'A missing or wrong nonce is a 401 with use_dpop_nonce and a nonce'),
  rule('D-62', '8', 'MUST NOT', 'There is never more than one DPoP-Nonce'),
  rule('D-63', '8', 'MUST', 'Nonces cannot be foreseen'),
  rule('D-64', '8', 'rule', 'A nonce that does not match is answered with the same code and a new nonce'),
  rule('D-65', '8', 'MUST', 'A nonce matches exactly or not at all'),
  rule('D-66', '8', 'rule', 'The nonce before the newest one is still good for a while'),
  rule('D-67', '8.1', 'rule', 'A nonce is made of NQCHAR'),
  rule('D-68', '8.2', 'MAY', 'A new nonce may come with a success'),
  rule('D-69', '8.2', 'SHOULD', 'What has a nonce is not to be stored'),
  rule('D-70', '9', 'rule', 'A nonce is good at the server that gave it only'),
  rule('D-71', '8', 'rule', 'Browsers may read DPoP-Nonce', crossOrigin),
  rule('D-72', '11.3', 'MUST NOT', 'A client that was given a nonce never gets through without one'),
  rule('D-73', '11.1', 'rule', 'With nonces a jti is remembered until its nonce expires'),
  rule('D-74', '11.2', 'SHOULD NOT', 'Bound tokens are not long-lived', serverDuty),
  rule('D-75', '11.3', 'MUST NOT', 'No downgrade from nonces'),
  rule('D-76', '11.4', 'information', 'Untrusted code in the client', no('nothing that a resource server can enforce')),
  rule('D-77', '11.5', 'MUST', 'A token is no proof, and a proof is no token'),
  rule('D-78', '11.6', 'MUST', 'Only secure asymmetric algorithms can be configured'),
  rule('D-79', '11.7', 'information', 'Body and other header fields are not covered'),
  rule('D-80', '11.8', 'rule', 'jkt and ath are SHA-256, without negotiation'),
  rule('D-81', '11.9', 'information', 'Binding of codes and client identity', serverDuty),
  rule('D-82', '10', 'information', 'dpop_jkt means nothing here'),
  rule('D-83', '12', 'information', 'The registered names are spelt as registered'),
  rule('D-84', 'errata', 'information', 'The errata change no rule', no('editorial'))
]

const thumbprints = [
  rule('T-01', '7638 §3', 'rule', 'A thumbprint hashes the required members alone, sorted, without white space'),
  rule('T-02', '7638 §3.2', 'rule', 'The required members of EC, RSA and OKP keys'),
  rule('T-03', '7638 §3.2.2', 'rule', 'Other members do not change it'),
  rule('T-04', '7518 §6', 'MUST', 'A key has one encoding, so that it has one thumbprint'),
  rule('T-05', '7638 §3.2.1', 'rule', 'A private key has the same thumbprint, and is refused for what it is'),
  rule('T-06', '7638 §3', 'rule', 'It is made of parsed values, whatever the order and the escapes of the JSON')
]

const jose = [
  rule('J-01', '7515 §4.1.11', 'MUST', 'crit with an extension that is not understood is invalid'),
  rule('J-02', '7515 §4.1.11', 'MUST NOT', 'A malformed crit is invalid'),
  rule('J-03', '7797 §7', 'MUST NOT', 'A JWT has no b64'),
  rule('J-04', '7515 §4', 'MUST', 'Of a member that is there twice one counts, the same for every check'),
  rule('J-05', '7515 §2', 'MUST', 'base64url without padding, white space, other characters or stray bits'),
  rule('J-06', '7519 §7.2', 'MUST', 'Header and payload are JSON objects in UTF-8'),
  rule('J-07', '7519 §1', 'MUST', 'A JWT is in compact serialization'),
  rule('J-08', '7515 §5.2', 'SHOULD', 'A valid signature of an algorithm that is not accepted is no signature'),
  rule('J-09', '7515 §4.1.1', 'MUST', 'alg is compared exactly'),
  rule('J-10', '9449 §4.3', 'MUST', 'jku, x5u, x5c and kid of a proof are not used'),
  rule('J-11', '9068 §4', 'MUST', 'A key in the header of a token is not used'),
  rule('J-12', '7518 §3.3', 'MUST', 'RSA keys have 2048 bits at least'),
  rule('J-13', 'practice', 'practice', 'RSA keys have a largest modulus and a sound exponent'),
  rule('J-14', '7518 §3.4', 'MUST', 'An ECDSA signature is R and S in their full size'),
  rule('J-15', '7518 §3.4', 'MUST', 'alg, kty and crv belong together'),
  rule('J-16', '8725 §3.4', 'MUST', 'An EC point is on its curve'),
  rule('J-17', '7518 §3.5', 'MUST', 'The salt of PSS is as long as the hash'),
  rule('J-18', '7518 §3.6', 'MUST NOT', 'none is not accepted'),
  rule('J-19', '7517 §4', 'SHOULD', 'use, key_ops and alg of a key are respected'),
  rule('J-20', '7519 §4.1.4', 'MUST', 'exp and nbf hold, of tokens and of proofs'),
  rule('J-21', '7519 §4.1.3', 'MUST', 'aud names us'),
  rule('J-22', '7519 §2', 'rule', 'Times are finite numbers, whole or not'),
  rule('J-23', '7519 §4', 'MUST', 'Unknown claims are ignored'),
  rule('J-24', '7800 §3.1', 'MUST', 'cnf is an object; what nobody registered in it is ignored')
]

const bestPractice = [
  rule('B-01', '3.1', 'MUST', 'The accepted algorithms are ours to say, and each key has one'),
  rule('B-02', '3.2', 'MUST', 'Only algorithms that are current'),
  rule('B-03', '3.2', 'SHOULD NOT', 'none is not consumed'),
  rule('B-04', '3.3', 'MUST', 'Any failure of cryptography refuses the whole JWT'),
  rule('B-05', '3.4', 'MUST', 'Inputs of cryptography are validated'),
  rule('B-06', '3.5', 'MUST', 'Secrets have enough entropy'),
  rule('B-07', '3.7', 'MUST', 'UTF-8 and nothing else'),
  rule('B-08', '3.8', 'MUST', 'Keys belong to the issuer that the token names'),
  rule('B-09', '3.8', 'MUST', 'sub is valid', no('what a subject is, only the application knows')),
  rule('B-10', '3.9', 'MUST', 'A token without aud is refused'),
  rule('B-11', '3.10', 'SHOULD', 'kid, jku and x5u are not trusted'),
  rule('B-12', '3.11', 'RECOMMENDED', 'Explicit types are used'),
  rule('B-13', '3.12', 'MUST', 'One kind of JWT never passes for another'),
  rule('B-14', 'bis 3.1', 'SHOULD', 'Algorithms are a list of allowed ones, whatever the case of letters'),
  rule('B-15', 'bis 3.3', 'MUST', 'A JWE is refused'),
  rule('B-16', 'bis 3.14', 'MUST', 'A JWT has letters, digits, hyphen, underscore and dots alone')
]

const accessTokens = [
  rule('A-01', '4', 'MUST', 'typ is at+jwt; other kinds of JWT are refused'),
  rule(
    'A-02',
    '4',
    'SHOULD',
    'Where encryption was agreed, a token in clear is refused',
    no('encrypted tokens are not supported')
  ),
  rule('A-03', '4', 'MUST', 'iss is exactly the configured issuer'),
  rule('A-04', '4', 'MUST', 'aud has our identifier'),
  rule('A-05', '4', 'MUST', 'The signature is made with a key of the issuer'),
  rule('A-06', '4', 'MUST', 'The token has not expired; a small tolerance is allowed'),
  rule('A-07', '4', 'MUST', 'Every fault of a token is invalid_token'),
  rule('A-08', '4', 'SHOULD', 'Scopes decide what is authorized'),
  rule('A-09', '2.2', 'REQUIRED', 'iss, exp, aud, sub, client_id, iat and jti are there'),
  rule('A-10', '2.1', 'MUST', 'RS256 is among the algorithms of tokens'),
  rule('A-11', '5', 'rule', 'Every key that the issuer publishes is good, new ones too'),
  rule('A-12', '5', 'MUST', 'Every API has an identifier of its own')
]

const bearerTokens = [
  rule('W-01', '3', 'MUST', 'A 401 has WWW-Authenticate'),
  rule('W-02', '3', 'MUST', 'A Bearer challenge has a parameter'),
  rule('W-03', '3', 'MUST NOT', 'No parameter is there twice'),
  rule('W-04', '3', 'MUST NOT', 'Values have no quotes, backslashes, line breaks or text beyond ASCII'),
  rule('W-05', '3', 'SHOULD', 'A token that failed is told why'),
  rule('W-06', '3.1', 'SHOULD', 'invalid_request is 400, invalid_token 401, insufficient_scope 403'),
  rule('W-07', '3.1', 'SHOULD NOT', 'Without credentials that are ours there is no error code'),
  rule('W-08', '2.1', 'MUST', 'Credentials come in the Authorization field'),
  rule('W-09', '2', 'MUST NOT', 'A token in a second place; we never look there'),
  rule('W-10', '5', 'MUST', 'Tokens and proofs are not logged')
]

const introspectionRules = [
  rule('I-01', '7662 §2.2', 'REQUIRED', 'Only active: true is active'),
  rule('I-02', '7662 §2.2', 'MUST', 'An inactive token is refused'),
  rule('I-03', '7662 §2.2', 'OPTIONAL', 'exp, nbf, aud and iss are checked where they are there'),
  rule('I-04', '7662 §4', 'MUST NOT', 'What is remembered of a token does not outlive its exp'),
  rule('I-05', '9449 §7.1', 'MUST', 'A token that was seen before needs its proof on every request'),
  rule('I-06', '7662 §4', 'MUST', 'The endpoint is called with credentials, over TLS'),
  rule('I-07', '7662 §2.1', 'MAY', 'By POST'),
  rule('I-08', 'practice', 'practice', 'An endpoint that is down is a 503'),
  rule('I-09', '9701 §4', 'rule', 'Signed answers are asked for'),
  rule('I-10', '9701 §5', 'MUST', 'Signed answers are verified'),
  rule('I-11', '9701 §8.1', 'MUST', 'An introspection JWT is no access token'),
  rule('I-12', '9701 §8.1', 'MUST', 'Countermeasures against replay of tokens', no('is what DPoP is'))
]

const metadataRules = [
  rule('M-01', '8414 §3.3', 'MUST', 'Metadata of another issuer is discarded'),
  rule('M-02', '9449 §5.1', 'information', 'The algorithms of the server are not those of the API', serverDuty),
  rule('M-03', '9728 §3', 'MUST', 'The document is at its well-known place', metadata),
  rule('M-04', '9728 §2', 'REQUIRED', 'resource is exactly the identifier', metadata),
  rule('M-05', '9728 §3.1', 'MUST', 'GET, 200, JSON, without credentials', metadata),
  rule('M-06', '9728 §3.2', 'MUST', 'Nothing empty is in it', metadata),
  rule('M-07', '9728 §2', 'OPTIONAL', 'The algorithms in it are those that are accepted', metadata),
  rule('M-08', '9728 §2', 'OPTIONAL', 'It says whether only bound tokens are accepted', metadata),
  rule('M-09', '9728 §2', 'OPTIONAL', 'It says whether certificates bind', metadata),
  rule('M-10', '9728 §5.1', 'MAY', 'Challenges point to it', metadata),
  rule('M-11', '9728 §3.3', 'MUST', 'Each resource has its own', metadata),
  rule('M-12', '9728 §2', 'MUST NOT', 'none is never in it', metadata),
  rule('M-13', '9728 §7.1', 'MUST', 'Identifiers are compared code point by code point'),
  rule('M-14', '9728 §7.4', 'RECOMMENDED', 'Tokens are restricted to their audience')
]

const stepUpRules = [
  rule('S-01', '9470 §3', 'rule', 'insufficient_user_authentication is a 401', stepUp),
  rule('S-02', '9470 §3', 'MAY', 'acr_values and max_age say what is missing', stepUp),
  rule('S-03', '9470 §3', 'MAY', 'scope may be there too', stepUp),
  rule('S-04', '9470 §6', 'rule', 'acr and auth_time decide; absent is not met', stepUp),
  rule('S-05', '9470 §9', 'MAY', 'Only after everything else was verified', stepUp)
]

const security = [
  rule('C-01', '2.2.1', 'SHOULD', 'Tokens are sender-constrained by default'),
  rule('C-02', '2.3', 'MUST', 'On every request the token is meant for us'),
  rule('C-03', '2.3', 'MUST', 'And for what is asked'),
  rule('C-04', '4.9.3', 'MUST', 'Tokens are secrets, in caches and reports too'),
  rule('C-05', '4.10.1', 'MUST', 'A proof of possession is not replayed'),
  rule('C-06', '4.13', 'MUST', 'Forwarded fields are not trusted'),
  rule('C-07', '2.6', 'RECOMMENDED', 'TLS end to end', deployment),
  rule('C-08', '4.3.2', 'MUST NOT', 'No tokens in queries')
]

const fapi = [
  rule('F-01', '5.3.4-1', 'shall', 'Tokens come in the Authorization field'),
  rule('F-02', '5.3.4-2', 'shall not', 'Not in the query'),
  rule('F-03', '5.3.4-3', 'shall', 'Revoked tokens are refused'),
  rule('F-04', '5.3.4-4', 'shall', 'What the token authorizes is enough for the request'),
  rule('F-05', '5.3.4-5', 'shall', 'Only sender-constrained tokens'),
  rule('F-06', '5.4.1-1', 'shall', 'PS256, ES256 and Ed25519 alone'),
  rule('F-07', '5.4.1-2', 'shall', 'RSA keys of 2048 bits, curves of 224 bits at least'),
  rule('F-08', '5.4.3', 'shall', 'Keys of one kid are told apart'),
  rule('F-09', '5.3.2.1-13', 'shall', 'Ten seconds ahead are accepted, more than sixty are not'),
  rule('F-10', '5.2', 'shall', 'TLS 1.2 or later', deployment)
]

const certificates = [
  rule('X-01', '3', 'MUST', 'A token that is bound to a certificate needs it, as Bearer too'),
  rule('X-02', '3', 'MUST', 'Bound to a key and a certificate: both'),
  rule('X-03', '9449 §6', 'MUST', 'Bound to a certificate alone is not bound for DPoP'),
  rule('X-04', '3', 'MUST', 'Certificates in header fields of the client are none')
]

const mcpRules = [
  rule('P-M1', 'authorization', 'MUST', 'Protected resource metadata', mcp),
  rule('P-M2', 'authorization', 'MUST', 'Audience is checked; 401, 403 and 400 as in RFC 6750'),
  rule('P-M3', 'authorization', 'MUST NOT', 'No token in the query'),
  rule('P-M4', 'authorization', 'MUST NOT', 'Tokens are not passed on', no('nothing here calls another API')),
  rule('P-M5', 'SEP-1932', 'MUST', 'The scheme DPoP takes the place of Bearer'),
  rule('P-M6', 'SEP-1932', 'MUST', 'RFC 9449 §4.3, iat within five minutes'),
  rule('P-M7', 'SEP-1932', 'MUST', 'A failed check is exactly 401 with a DPoP challenge'),
  rule('P-M8', 'SEP-1932', 'MAY', 'Without memory of jti the window still holds'),
  rule('P-M9', 'SEP-1932', 'MUST', 'Audience is checked under DPoP too'),
  rule('P-M10', 'SEP-1932', 'information', 'No claim about the content is asked for'),
  rule('P-M11', 'conformance', 'information', 'A slash at the end is another path')
]

const algorithms = [
  rule('Q-01', '9864 §2.2', 'rule', 'Ed25519, and EdDSA with Ed25519 keys; Ed448 is neither'),
  rule('Q-02', '9864 §2.1', 'information', 'Names of COSE are no names of JOSE'),
  rule('Q-03', '9964 §3', 'REQUIRED', 'AKP keys have alg and pub, and no priv', postQuantum),
  rule('Q-04', '9964 §5', 'MUST', 'Sizes of ML-DSA', postQuantum),
  rule('Q-05', '9964 §6', 'rule', 'Thumbprints of AKP keys', postQuantum),
  rule('Q-06', '9964 §7.3', 'MUST', 'Parameters of AKP keys are validated', postQuantum),
  rule('Q-07', '9110 §5.4', 'MUST', 'Proofs above a limit are refused with 4xx')
]

const uris = [
  rule('U-01', '3986 §6.2.2.1', 'SHOULD', 'Scheme and host in any case'),
  rule('U-02', '3986 §6.2.3', 'SHOULD', 'The default port is no port; another port is another'),
  rule('U-03', '3986 §6.2.3', 'SHOULD', 'No path is /'),
  rule('U-04', '3986 §6.2.2.1', 'SHOULD', 'Triplets in any case'),
  rule('U-05', '3986 §6.2.2.2', 'SHOULD', 'Encoded characters that need no encoding are themselves'),
  rule('U-06', '3986 §2.2', 'rule', 'Encoded reserved characters are not themselves'),
  rule('U-07', '3986 §6.2.2.3', 'SHOULD', 'Dot segments of htu are resolved'),
  rule('U-08', '9110 §4.2.3', 'rule', 'Paths are case-sensitive'),
  rule('U-09', '3986 §6.2.4', 'rule', 'A slash at the end counts'),
  rule('U-10', 'practice', 'rule', 'A double slash counts'),
  rule('U-11', '9449 §4.3 #9', 'MUST', 'Query and fragment do not, be they empty'),
  rule('U-12', '9110 §4.2.4', 'SHOULD', 'User information is an error'),
  rule('U-13', '9110 §4.2.2', 'MUST', 'htu is an absolute http or https URI with a host'),
  rule('U-14', '9110 §4.2.2', 'rule', 'http is not https'),
  rule('U-15', '9449 §11', 'MUST', 'The origin is configuration; Host and target never add one'),
  rule('U-16', '9449 §4.2', 'MUST', 'The path is the one that the client sent')
]

const http = [
  rule('H-01', '5.1', 'rule', 'Field names in any case'),
  rule('H-02', '5.3', 'MUST NOT', 'Fields that are no lists do not repeat'),
  rule('H-03', '5.5', 'MUST', 'White space around a value is not part of it'),
  rule('H-04', '5.5', 'MUST', 'No CR, LF or NUL in a value'),
  rule('H-05', '5.4', 'MUST', 'Fields that are too large are a 4xx'),
  rule('H-06', '11.1', 'rule', 'Schemes in any case'),
  rule('H-07', '11.2', 'MUST', 'Parameter names are unique in a challenge'),
  rule('H-08', '11.5', 'MUST', 'realm is a quoted-string'),
  rule('H-09', '11.6.1', 'MUST', 'A 401 has a challenge, whatever error handler answers'),
  rule('H-10', '11.4', 'SHOULD', 'Bad credentials are 401, good ones that do not suffice 403'),
  rule('H-11', '11.6.1', 'advice', 'One challenge a line, those of others kept'),
  rule('H-12', '11.6', 'MUST NOT', 'Nothing of proxies'),
  rule('H-13', '9.1', 'rule', 'Methods are case-sensitive'),
  rule('H-14', '9.3.2', 'rule', 'HEAD is HEAD, also where GET answers it'),
  rule('H-15', '9.3.6', 'rule', 'CONNECT and OPTIONS * have no URI to match'),
  rule('H-16', '9111 §3.5', 'MUST NOT', 'Shared caches', no('binds caches')),
  rule('H-17', '5.3', 'MUST NOT', 'The whole header section first', no('the HTTP server does it')),
  rule('H-18', '7.4', 'SHOULD', 'A request for another authority is refused')
]

const cors = [
  rule('K-01', 'Fetch', 'rule', 'A preflight is never challenged', crossOrigin),
  rule('K-02', 'Fetch', 'rule', 'Authorization and DPoP are allowed by name', crossOrigin),
  rule('K-03', '9449 §7.1, §8', 'rule', 'WWW-Authenticate and DPoP-Nonce are exposed', crossOrigin),
  rule('K-04', 'Fetch', 'rule', 'Refusals can be read across origins', crossOrigin)
]

const decisions = [
  rule('AMB-01', '', 'decision', 'A slash at the end of htu counts; only no path is /'),
  rule('AMB-02', '', 'decision', 'Query and fragment of htu are ignored, not refused'),
  rule('AMB-03', '', 'decision', 'All of RFC 3986 §6.2.2.2; a malformed triplet is refused'),
  rule('AMB-04', '', 'decision', 'Host forms as the URL standard has them; a dot at the end of a host counts'),
  rule('AMB-05', '', 'decision', 'A missing proof is 401 invalid_dpop_proof'),
  rule('AMB-06', '', 'decision', 'Another key than the bound one is 401 invalid_token'),
  rule('AMB-07', '', 'decision', 'typ is dpop+jwt to the letter'),
  rule('AMB-08', '', 'decision', 'htm is compared exactly'),
  rule('AMB-09', '', 'decision', 'The method of the request line, no override; HEAD as HEAD; CONNECT and * refused'),
  rule('AMB-10', '', 'decision', '300 seconds back, 30 ahead, both ends included; FAPI 60 and 30'),
  rule('AMB-11', '', 'decision', 'With nonces the age of the nonce takes the place of iat'),
  rule('AMB-12', '', 'decision', 'Nonces are off or required, by route; never merely offered'),
  rule('AMB-13', '', 'decision', 'A nonce claim is ignored while nonces are off'),
  rule('AMB-14', '', 'decision', 'Unregistered members of cnf are ignored, registered ones that are not verified refuse'),
  rule('AMB-15', '', 'decision', 'A proof beside a Bearer token is ignored'),
  rule('AMB-16', '', 'decision', 'Both schemes at once are 400 on both challenges'),
  rule('AMB-17', '', 'decision', 'use_dpop_nonce is 401'),
  rule('AMB-18', '', 'decision', 'A success carries a nonce only when there is a newer one'),
  rule('AMB-19', '', 'decision', 'Replay is told by key, URI and jti, never by the text of the proof'),
  rule('AMB-20', '', 'decision', 'A used proof is remembered until it would be refused anyway; a full memory refuses'),
  rule('AMB-21', '', 'decision', 'The memory is one atomic step, and its failure a 503'),
  rule('AMB-22', '', 'decision', 'A proof that was refused is not used up'),
  rule('AMB-23', '', 'decision', 'The base URL is configured: one, several, or a function'),
  rule('AMB-24', '', 'decision', 'A Bearer challenge always has a realm'),
  rule('AMB-25', '', 'decision', 'exp and nbf of a proof hold, with the tolerance of iat'),
  rule('AMB-26', '', 'decision', 'A broken proof is told so before it is asked for a nonce'),
  rule('AMB-27', '', 'decision', 'Tokens come from the Authorization field alone'),
  rule(
    'AMB-28',
    '',
    'decision',
    'Upgrades and streams are verified once, when they begin',
    no('what happens afterwards is up to the application')
  ),
  rule('AMB-29', '', 'decision', 'The body of a refusal is error and error_description in JSON'),
  rule('AMB-30', '', 'decision', 'A hook tells of revoked tokens')
]

const lessons = [
  rule('L1', '', 'lesson', 'A target with dot segments or backslashes is refused, never resolved'),
  rule('L2', '', 'lesson', 'A Host that is more than a host selects nothing'),
  rule('L3', '', 'lesson', 'Origins are configuration'),
  rule('L4', '', 'lesson', 'Of the target only path and query are taken'),
  rule('L5', '', 'lesson', 'A used proof is remembered for as long as it would be accepted'),
  rule('L6', '', 'lesson', 'Of copies at once exactly one gets through'),
  rule('L7', '', 'lesson', 'Other spellings of a proof are the same proof'),
  rule('L8', '', 'lesson', 'A jti of one client is not that of another'),
  rule('L9', '', 'lesson', 'The memory is touched last, with a key of fixed size'),
  rule('L10', '', 'lesson', 'A full memory refuses, and forgets nothing that lives'),
  rule('L11', '', 'lesson', 'Only active: true is active'),
  rule('L12', '', 'lesson', 'Freshness and ath are always checked'),
  rule('L13', '', 'lesson', 'cnf binds, not token_type'),
  rule('L14', '', 'lesson', 'A malformed cnf is never plain Bearer'),
  rule('L15', '', 'lesson', 'A bound token is never Bearer, in any mode'),
  rule('L16', '', 'lesson', 'jti is a text, and bounded'),
  rule('L17', '', 'lesson', 'Any private member is refused, not d alone'),
  rule('L18', '', 'lesson', 'The age of a nonce is a matter of time alone'),
  rule('L19', '', 'lesson', 'htm is exact, schemes are not'),
  rule('L20', '', 'lesson', 'htu obeys the grammar of URIs before it is normalised'),
  rule('L21', '', 'lesson', 'Over HTTP/2 :authority rules, and a Host that differs is 400'),
  rule('L22', '', 'lesson', 'Optional means absent, not wrong'),
  rule('L23', '', 'lesson', 'No order of registration leaves a route open'),
  rule('L30', '', 'lesson', 'Ed25519 is accepted under both names'),
  rule('L31', '', 'lesson', 'nbf and exp of a proof have the tolerance of iat'),
  rule('L32', '', 'lesson', 'Equal URIs are equal in every spelling'),
  rule('L33', '', 'lesson', 'Unknown members of cnf are ignored'),
  rule('L34', '', 'lesson', 'Any method, any legal path'),
  rule('L35', '', 'lesson', 'More than one space behind the scheme'),
  rule('L36', '', 'lesson', 'An absolute-form target of our own origin'),
  rule('L37', '', 'lesson', 'Proxies that end TLS or strip a prefix'),
  rule('L40', '', 'lesson', 'Nothing of a request comes back in a challenge'),
  rule('L41', '', 'lesson', 'Whatever arrives, it ends in an error of ours'),
  rule('L42', '', 'lesson', 'The right challenges in every mode, for every failure'),
  rule('L43', '', 'lesson', 'use_dpop_nonce exactly where a nonce comes along'),
  rule('L44', '', 'lesson', 'An outage is 503, never 401 and never 200'),
  rule('L45', '', 'lesson', 'Preflights pass, and browsers can read what they need', crossOrigin),
  rule('L46', '', 'lesson', 'Operators see the reason')
]

/** The rules by their source, as the report shows them. */
export const sources = [
  { title: 'RFC 9449, DPoP', rules: dpop },
  { title: 'RFC 7638 and RFC 8037, thumbprints', rules: thumbprints },
  { title: 'RFC 7515, 7517, 7518, 7519, 7797 and 7800, JOSE', rules: jose },
  { title: 'RFC 8725, best practice for JWTs', rules: bestPractice },
  { title: 'RFC 9068, JWT access tokens', rules: accessTokens },
  { title: 'RFC 6750, error signalling', rules: bearerTokens },
  { title: 'RFC 7662 and RFC 9701, introspection', rules: introspectionRules },
  { title: 'RFC 8414 and RFC 9728, metadata', rules: metadataRules },
  { title: 'RFC 9470, step-up', rules: stepUpRules },
  { title: 'RFC 9700, OAuth security', rules: security },
  { title: 'FAPI 2.0 Security Profile', rules: fapi },
  { title: 'RFC 8705, certificates', rules: certificates },
  { title: 'Model Context Protocol', rules: mcpRules },
  { title: 'RFC 9864 and RFC 9964, algorithms', rules: algorithms },
  { title: 'RFC 3986 and RFC 9110, the URI of a request', rules: uris },
  { title: 'RFC 9110, HTTP', rules: http },
  { title: 'Fetch, cross-origin requests', rules: cors },
  { title: 'Decisions where the sources leave room', rules: decisions },
  { title: 'Lessons from the field', rules: lessons }
] as const

/** The id of a rule; a test that names another does not compile. */
export type RuleId = (typeof sources)[number]['rules'][number]['id']
