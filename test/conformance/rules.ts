/** The rules for a resource server with DPoP, by source and section, paraphrased. @module */

/** Whether a rule applies to this package. */
export type Applies =
  | { readonly to: 'resource server' }
  /** It applies to another party, or cannot be tested. */
  | { readonly to: 'others'; readonly reason: string }
  /** It applies, but the optional part that it is about is out of scope. */
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

const no = (reason: string): Applies => ({ to: 'others', reason })
const notBuilt = (part: string): Applies => ({ to: 'part not built', part })

const serverDuty = no('a duty of the authorization server')
const deployment = no('a matter of deployment')

const dpop = [
  rule('D-01', '2', 'MUST', 'DPoP is used over TLS: base URLs are https, except on loopback'),
  rule('D-02', '4', 'rule', 'Every request has its own proof'),
  rule('D-03', '4', 'rule', 'A proof without an access token does not authenticate a request'),
  rule('D-04', '4.1', 'rule', 'The name of the DPoP header field is case-insensitive'),
  rule('D-05', '4.1', 'rule', 'The value of the DPoP header field is case-sensitive'),
  rule('D-06', '4.1', 'rule', 'The value of the DPoP header field is a token68'),
  rule('D-07', '4.2', 'MUST', 'The header of a proof has typ, alg and jwk'),
  rule('D-08', '4.2', 'MUST', 'typ is dpop+jwt'),
  rule('D-09', '4.2', 'MUST NOT', 'alg is asymmetric: never none, never a MAC'),
  rule('D-10', '4.2', 'MUST NOT', 'jwk does not contain a private key'),
  rule('D-11', '4.2', 'MUST', 'The payload of a proof has jti, htm, htu and iat, each of its type'),
  rule('D-12', '4.2', 'MUST', 'With an access token the proof has ath'),
  rule('D-13', '4.2', 'MUST', 'ath is the unpadded base64url SHA-256 of the token'),
  rule('D-14', '4.2', 'rule', 'ath is computed over the octets of the access token as presented'),
  rule('D-15', '4.2', 'MUST', 'Once a nonce was provided, proofs contain it'),
  rule('D-16', '4.2', 'MAY', 'Other header parameters and claims are ignored'),
  rule('D-17', '4.2', 'MUST', 'jti is unique; it must be a non-empty string of bounded length'),
  rule('D-18', '4.3 #1', 'MUST', 'There is at most one DPoP header field'),
  rule('D-19', '4.3 #2', 'MUST', 'Its value is one well-formed JWT'),
  rule('D-20', '4.3 #3', 'MUST', 'All required claims are present'),
  rule('D-21', '4.3 #4', 'MUST', 'typ is dpop+jwt'),
  rule('D-22', '4.3 #5', 'MUST', 'alg is registered, asymmetric, supported and acceptable per policy'),
  rule('D-23', '4.3 #6', 'MUST', 'The signature verifies with the jwk of the header'),
  rule('D-24', '4.3 #7', 'MUST', 'jwk is checked for private members'),
  rule('D-25', '4.3 #8', 'MUST', 'htm equals the method of the request'),
  rule('D-26', '4.3 #9', 'MUST', 'htu equals the URI of the request; query and fragment of both are ignored'),
  rule('D-27', '4.3 #10', 'MUST', 'nonce is one that this server provided'),
  rule('D-28', '4.3 #11', 'MUST', 'The creation time is within an acceptable window'),
  rule('D-29', '4.3 #12', 'MUST', 'ath is the hash of the presented access token'),
  rule('D-30', '4.3 #12', 'MUST', 'The access token is bound to the key of the proof'),
  rule('D-31', '4.3', 'SHOULD', 'URIs are normalized (RFC 3986 §6.2.2 and §6.2.3) before comparison'),
  rule('D-32', '4.3', 'rule', 'The checks may run in any order', no('permits any order')),
  rule('D-33', '6', 'MUST', 'The binding of an access token can be determined'),
  rule('D-34', '6', 'MUST', 'An access token without a bound key is not accepted with the DPoP scheme'),
  rule('D-35', '6.1', 'MUST', 'cnf.jkt is the base64url SHA-256 thumbprint of the key'),
  rule('D-36', '6.2', 'rule', 'The binding is the jkt member of a top-level cnf claim'),
  rule('D-37', '6.2', 'MUST', 'token_type of an introspected bound token is DPoP'),
  rule('D-38', '6.2', 'rule', 'The proof is not sent to introspection'),
  rule('D-39', '7', 'MUST', 'A request has both an access token and a proof'),
  rule('D-40', '7.1', 'rule', 'Credentials are a case-insensitive scheme, one or more spaces, and a token68'),
  rule('D-41', '7.1', 'MUST', 'Access is denied unless every check succeeds'),
  rule('D-42', '7.1', 'rule', 'The challenge is a 401 with the scheme DPoP'),
  rule('D-43', '7.1', 'SHOULD', 'The challenge has algs, and error if a presented token was rejected'),
  rule('D-44a', '7.1', 'MAY', 'Challenges may have other parameters', no('a permission that is not used')),
  rule('D-44b', '7.1', 'rule', 'invalid_dpop_proof is used for proofs, the codes of RFC 6750 for other errors'),
  rule('D-44c', '7.1', 'rule', 'Browsers can read WWW-Authenticate'),
  rule('D-44d', '7.1', 'MUST NOT', 'The scheme is not used for proxy authentication'),
  rule('D-45', '11.1', 'rule', 'A jti is accepted once for its URI within the window'),
  rule('D-46', '11.1', 'MUST', 'A proof is accepted for a limited time'),
  rule('D-47', '11.1', 'SHOULD', 'Large jti values are rejected, and only a hash is stored'),
  rule('D-48', '11.1', 'MAY', 'An iat slightly in the future is accepted'),
  rule('D-49', '11.1', 'MAY', 'With a nonce, the age of the nonce replaces the iat window'),
  rule('D-50', '7.2', 'MUST', 'A DPoP-bound access token is rejected with the Bearer scheme'),
  rule('D-51', '7.2', 'MUST', 'A DPoP-bound access token is rejected in a query or a body'),
  rule('D-52', '7.2', 'rule', 'A 401 response may have a challenge for each scheme'),
  rule('D-53', '7.2', 'SHOULD NOT', 'Without credentials no challenge has an error'),
  rule('D-54', '7.2', 'SHOULD', 'Only the challenge of the scheme that the request used has an error'),
  rule('D-55', '7.2', 'MAY', 'Two Authorization field lines are rejected with 400 on every challenge'),
  rule('D-56', '7.3', 'RECOMMENDED', 'A retry needs a new proof'),
  rule('D-60', '9', 'MAY', 'Nonces can be required'),
  rule('D-61', '9', 'rule', 'A missing or invalid nonce is rejected with 401 use_dpop_nonce and a nonce'),
  rule('D-62', '8', 'MUST NOT', 'A response has at most one DPoP-Nonce'),
  rule('D-63', '8', 'MUST', 'Nonces are unpredictable'),
  rule('D-64', '8', 'rule', 'A nonce that does not match is rejected with the same code and a new nonce'),
  rule('D-65', '8', 'MUST', 'A nonce is compared exactly'),
  rule('D-66', '8', 'rule', 'The previous nonce is accepted for some time'),
  rule('D-67', '8.1', 'rule', 'A nonce consists of NQCHAR characters'),
  rule('D-68', '8.2', 'MAY', 'A successful response may provide a new nonce'),
  rule('D-69', '8.2', 'SHOULD', 'A response with a nonce is not cacheable'),
  rule('D-70', '9', 'rule', 'A nonce is accepted only by the server that provided it'),
  rule('D-71', '8', 'rule', 'Browsers can read DPoP-Nonce'),
  rule('D-72', '11.3', 'MUST NOT', 'A client that received a nonce is never accepted without one'),
  rule('D-73', '11.1', 'rule', 'With nonces, a jti is stored until its nonce expires'),
  rule('D-74', '11.2', 'SHOULD NOT', 'Bound access tokens are not long-lived', serverDuty),
  rule('D-75', '11.3', 'MUST NOT', 'Nonces cannot be downgraded'),
  rule('D-76', '11.4', 'information', 'Untrusted code in the client', no('nothing that a resource server can enforce')),
  rule('D-77', '11.5', 'MUST', 'An access token is not accepted as a proof, and a proof is not accepted as an access token'),
  rule('D-78', '11.6', 'MUST', 'Only secure asymmetric algorithms can be configured'),
  rule('D-79', '11.7', 'information', 'Body and other header fields are not covered'),
  rule('D-80', '11.8', 'rule', 'jkt and ath use SHA-256 without negotiation'),
  rule('D-81', '11.9', 'information', 'Binding of codes and client identity', serverDuty),
  rule('D-82', '10', 'information', 'dpop_jkt has no meaning for a resource server'),
  rule('D-83', '12', 'information', 'The registered names are used as registered'),
  rule('D-84', 'errata', 'information', 'The errata do not change any rule', no('editorial'))
]

const thumbprints = [
  rule('T-01', '7638 §3', 'rule', 'A thumbprint is the hash of the required members, sorted, without whitespace'),
  rule('T-02', '7638 §3.2', 'rule', 'The required members of EC, RSA and OKP keys'),
  rule('T-03', '7638 §3.2.2', 'rule', 'Optional members do not change the thumbprint'),
  rule('T-04', '7518 §6', 'MUST', 'A key has one encoding and therefore one thumbprint'),
  rule('T-05', '7638 §3.2.1', 'rule', 'A private key has the same thumbprint, and is rejected'),
  rule('T-06', '7638 §3', 'rule', 'It is computed from parsed values, whatever the order and escapes of the JSON')
]

const jose = [
  rule('J-01', '7515 §4.1.11', 'MUST', 'A JWS with an unsupported crit extension is invalid'),
  rule('J-02', '7515 §4.1.11', 'MUST NOT', 'A JWS with a malformed crit is invalid'),
  rule('J-03', '7797 §7', 'MUST NOT', 'A JWT does not use b64'),
  rule('J-04', '7515 §4', 'MUST', 'One of duplicate member names is used consistently by all checks'),
  rule('J-05', '7515 §2', 'MUST', 'base64url has no padding, whitespace, other characters or non-zero trailing bits'),
  rule('J-06', '7519 §7.2', 'MUST', 'Header and payload are JSON objects in UTF-8'),
  rule('J-07', '7519 §1', 'MUST', 'A JWT uses the compact serialization'),
  rule('J-08', '7515 §5.2', 'SHOULD', 'A signature of an algorithm that is not accepted is not verified'),
  rule('J-09', '7515 §4.1.1', 'MUST', 'alg is compared exactly'),
  rule('J-10', '9449 §4.3', 'MUST', 'jku, x5u, x5c and kid of a proof are not used'),
  rule('J-11', '9068 §4', 'MUST', 'A key in the header of a token is not used'),
  rule('J-12', '7518 §3.3', 'MUST', 'RSA keys have at least 2048 bits'),
  rule('J-13', 'practice', 'practice', 'RSA keys have a maximum modulus length and a valid exponent'),
  rule('J-14', '7518 §3.4', 'MUST', 'An ECDSA signature is R and S in full length'),
  rule('J-15', '7518 §3.4', 'MUST', 'alg, kty and crv are consistent'),
  rule('J-16', '8725 §3.4', 'MUST', 'An EC point is on its curve'),
  rule('J-17', '7518 §3.5', 'MUST', 'The salt length of PSS is the hash length'),
  rule('J-18', '7518 §3.6', 'MUST NOT', 'alg none is not accepted'),
  rule('J-19', '7517 §4', 'SHOULD', 'use, key_ops and alg of a key are respected'),
  rule('J-20', '7519 §4.1.4', 'MUST', 'exp and nbf of access tokens and proofs are validated'),
  rule('J-21', '7519 §4.1.3', 'MUST', 'aud identifies this API'),
  rule('J-22', '7519 §2', 'rule', 'NumericDate values are finite numbers, not necessarily integers'),
  rule('J-23', '7519 §4', 'MUST', 'Unknown claims are ignored'),
  rule('J-24', '7800 §3.1', 'MUST', 'cnf is an object; unregistered members are ignored')
]

const bestPractice = [
  rule('B-01', '3.1', 'MUST', 'The accepted algorithms are configured, and each key is used with one algorithm'),
  rule('B-02', '3.2', 'MUST', 'Only current algorithms are supported'),
  rule('B-03', '3.2', 'SHOULD NOT', 'alg none is not accepted'),
  rule('B-04', '3.3', 'MUST', 'A JWT is rejected if any cryptographic operation fails'),
  rule('B-05', '3.4', 'MUST', 'Inputs of cryptographic operations are validated'),
  rule('B-06', '3.5', 'MUST', 'Secrets have sufficient entropy'),
  rule('B-07', '3.7', 'MUST', 'Only UTF-8 is accepted'),
  rule('B-08', '3.8', 'MUST', 'Keys belong to the issuer of the token'),
  rule('B-09', '3.8', 'MUST', 'sub is valid', no('the application validates subjects')),
  rule('B-10', '3.9', 'MUST', 'An access token without aud is rejected'),
  rule('B-11', '3.10', 'SHOULD', 'kid, jku and x5u are not trusted'),
  rule('B-12', '3.11', 'RECOMMENDED', 'Explicit types are used'),
  rule('B-13', '3.12', 'MUST', 'JWTs of one kind are not accepted as another'),
  rule('B-14', 'bis 3.1', 'SHOULD', 'Algorithms are an allow-list, compared case-sensitively'),
  rule('B-15', 'bis 3.3', 'MUST', 'A JWE is rejected'),
  rule('B-16', 'bis 3.14', 'MUST', 'A JWT consists of letters, digits, hyphens, underscores and dots')
]

const accessTokens = [
  rule('A-01', '4', 'MUST', 'typ is at+jwt; other types are rejected'),
  rule(
    'A-02',
    '4',
    'SHOULD',
    'If encryption was negotiated, an unencrypted token is rejected',
    no('encrypted tokens are not supported')
  ),
  rule('A-03', '4', 'MUST', 'iss is identical to the configured issuer identifier'),
  rule('A-04', '4', 'MUST', 'aud contains the identifier of this API'),
  rule('A-05', '4', 'MUST', 'The signature is verified with a key of the issuer'),
  rule('A-06', '4', 'MUST', 'The token has not expired, within a small tolerance'),
  rule('A-07', '4', 'MUST', 'An invalid token is rejected with invalid_token'),
  rule('A-08', '4', 'SHOULD', 'Scopes are used for authorization decisions'),
  rule('A-09', '2.2', 'REQUIRED', 'iss, exp, aud, sub, client_id, iat and jti are present'),
  rule('A-10', '2.1', 'MUST', 'RS256 is supported for access tokens'),
  rule('A-11', '5', 'rule', 'All published keys of the issuer are used, including new ones'),
  rule('A-12', '5', 'MUST', 'Every API has its own identifier')
]

const bearerTokens = [
  rule('W-01', '3', 'MUST', 'A 401 has WWW-Authenticate'),
  rule('W-02', '3', 'MUST', 'A Bearer challenge has at least one parameter'),
  rule('W-03', '3', 'MUST NOT', 'A challenge has no duplicate parameters'),
  rule('W-04', '3', 'MUST NOT', 'Parameter values have no quotes, backslashes, line breaks or non-ASCII characters'),
  rule('W-05', '3', 'SHOULD', 'A challenge for a rejected token has an error code'),
  rule('W-06', '3.1', 'SHOULD', 'invalid_request is 400, invalid_token 401, insufficient_scope 403'),
  rule('W-07', '3.1', 'SHOULD NOT', 'Without credentials of a supported scheme there is no error code'),
  rule('W-08', '2.1', 'MUST', 'Access tokens are sent in the Authorization header field'),
  rule('W-09', '2', 'MUST NOT', 'An access token elsewhere in the request is not used'),
  rule('W-10', '5', 'MUST', 'Access tokens and proofs are not logged')
]

const introspectionRules = [
  rule('I-01', '7662 §2.2', 'REQUIRED', 'Only a boolean active: true is active'),
  rule('I-02', '7662 §2.2', 'MUST', 'An inactive token is rejected'),
  rule('I-03', '7662 §2.2', 'OPTIONAL', 'exp, nbf, aud and iss are validated if present'),
  rule('I-04', '7662 §4', 'MUST NOT', 'An introspection response is not cached past exp'),
  rule('I-05', '9449 §7.1', 'MUST', 'A request with a cached token still requires a valid proof'),
  rule('I-06', '7662 §4', 'MUST', 'The endpoint is called with credentials, over TLS'),
  rule('I-07', '7662 §2.1', 'MAY', 'The introspection request uses POST'),
  rule('I-08', 'practice', 'practice', 'An unavailable endpoint results in 503'),
  rule('I-09', '9701 §4', 'rule', 'Signed responses are requested'),
  rule('I-10', '9701 §5', 'MUST', 'Signed responses are verified'),
  rule('I-11', '9701 §8.1', 'MUST', 'An introspection JWT is not accepted as an access token'),
  rule('I-12', '9701 §8.1', 'MUST', 'Countermeasures against replay of tokens', no('DPoP is such a countermeasure'))
]

const metadataRules = [
  rule('M-01', '8414 §3.3', 'MUST', 'Metadata with another issuer is discarded'),
  rule('M-02', '9449 §5.1', 'information', 'The algorithms of the authorization server are not those of the API', serverDuty),
  rule('M-03', '9728 §3', 'MUST', 'The document is available at the well-known URL'),
  rule('M-04', '9728 §2', 'REQUIRED', 'resource is identical to the identifier'),
  rule('M-05', '9728 §3.1', 'MUST', 'GET without credentials results in 200 with JSON'),
  rule('M-06', '9728 §3.2', 'MUST', 'Parameters without values are omitted'),
  rule('M-07', '9728 §2', 'OPTIONAL', 'The algorithms are those that are accepted'),
  rule('M-08', '9728 §2', 'OPTIONAL', 'dpop_bound_access_tokens_required is accurate'),
  rule('M-09', '9728 §2', 'OPTIONAL', 'tls_client_certificate_bound_access_tokens is accurate'),
  rule('M-10', '9728 §5.1', 'MAY', 'Challenges have resource_metadata'),
  rule('M-11', '9728 §3.3', 'MUST', 'Each resource has its own document'),
  rule('M-12', '9728 §2', 'MUST NOT', 'none is not in the list of algorithms'),
  rule('M-13', '9728 §7.1', 'MUST', 'Identifiers are compared code point by code point'),
  rule('M-14', '9728 §7.4', 'RECOMMENDED', 'Tokens are restricted to their audience'),
  rule('M-15', '9728 §3.1', 'MUST', 'The well-known string is inserted between host and path'),
  rule('M-16', '9728 §1.2', 'MUST', 'An identifier is an https URL without query and fragment'),
  rule('M-17', '9728 §3.3', 'rule', 'Another path below the well-known string is 404'),
  rule('M-18', '9728 §3.1', 'MUST', 'GET and HEAD are answered, other methods are 405'),
  rule('M-19', '9728 §3.2', 'MUST', 'bearer_methods_supported is ["header"]'),
  rule('M-20', '9728 §2', 'RECOMMENDED', 'Scopes of a policy that are not in scopes_supported cause a warning'),
  rule('M-21', '9728 §2.1', 'RECOMMENDED', 'A member with a language tag has one without it'),
  rule('M-22', '9728 §2', 'MUST', 'jwks_uri is an https URL'),
  rule('M-23', '9728 §2', 'MAY', 'Extension members are published as they are'),
  rule('M-24', '9728 §2.2', 'MAY', 'signed_metadata', notBuilt('signed metadata is optional, and out of scope')),
  rule('M-25', '9728 §3.3', 'MUST', 'The document of a challenge is that of the requested resource'),
  rule('M-26', '9728 §5.1', 'MAY', 'resource_metadata is in Bearer and DPoP challenges, also with 403'),
  rule('M-27', '9728 §5.2', 'rule', 'Caching of the document is bounded'),
  rule('M-28', '9728 §4', 'rule', 'protected_resources of the issuer'),
  rule('M-29', '9728 §6', 'MUST', 'Paths are compared code point by code point'),
  rule('M-30', '9728 §7.4', 'RECOMMENDED', 'Audience and identifier agree'),
  rule('M-31', '9728 §2', 'OPTIONAL', 'Only what is enforced is published'),
  rule('M-32', 'practice', 'rule', 'The document is served before the guard, at the root, for pages of any origin')
]

const stepUpRules = [
  rule('S-01', '9470 §3', 'rule', 'insufficient_user_authentication is sent with 401'),
  rule('S-02', '9470 §3', 'MAY', 'The challenge has acr_values and max_age'),
  rule('S-03', '9470 §3', 'MAY', 'The challenge has scope if scopes are missing too'),
  rule('S-04', '9470 §6', 'rule', 'acr and auth_time are evaluated; a missing claim does not satisfy the requirement'),
  rule('S-05', '9470 §9', 'MAY', 'The requirement is evaluated after token and proof were verified'),
  rule('S-06', '9470 §3', 'rule', 'max_age is a non-negative integer, sent as a quoted string'),
  rule('S-07', '9470 §3', 'rule', 'One of acr_values suffices, in order of preference, compared exactly'),
  rule('S-08', '9470 §6.1', 'rule', 'auth_time is a NumericDate at most max_age seconds ago, with the clock tolerance'),
  rule('S-09', '9470 §6.1', 'rule', 'iat is not used instead of auth_time'),
  rule('S-10', '9470 §6.2', 'rule', 'For opaque tokens, the members of the introspection response are evaluated'),
  rule('S-11', '9470 §3', 'rule', 'Only the challenge of the scheme that the request used has the error'),
  rule('S-12', '9470 §3', 'MAY', 'Missing authentication and scopes result in one challenge; missing scopes alone in 403'),
  rule('S-13', '9470 §7', 'information', 'Values of a policy that the issuer does not support cause a warning'),
  rule('S-14', '9449 §11.1', 'decision', 'A policy is checked before the proof is consumed')
]

const security = [
  rule('C-01', '2.2.1', 'SHOULD', 'Tokens are sender-constrained by default'),
  rule('C-02', '2.3', 'MUST', 'The audience of the token is validated on every request'),
  rule('C-03', '2.3', 'MUST', 'The scope of the token is validated for the requested action'),
  rule('C-04', '4.9.3', 'MUST', 'Access tokens are confidential, also in caches and logs'),
  rule('C-05', '4.10.1', 'MUST', 'Replayed proofs are detected'),
  rule('C-06', '4.13', 'MUST', 'Forwarded header fields of clients are not trusted'),
  rule('C-07', '2.6', 'RECOMMENDED', 'TLS end to end', deployment),
  rule('C-08', '4.3.2', 'MUST NOT', 'Access tokens in queries are not accepted')
]

const fapi = [
  rule('F-01', '5.3.4-1', 'shall', 'Access tokens are sent in the Authorization header field'),
  rule('F-02', '5.3.4-2', 'shall not', 'Access tokens in queries are not accepted'),
  rule('F-03', '5.3.4-3', 'shall', 'Revoked access tokens are rejected'),
  rule('F-04', '5.3.4-4', 'shall', 'The authorization of the token is sufficient for the request'),
  rule('F-05', '5.3.4-5', 'shall', 'Only sender-constrained access tokens are accepted'),
  rule('F-06', '5.4.1-1', 'shall', 'Only PS256, ES256 and Ed25519 are accepted'),
  rule('F-07', '5.4.1-2', 'shall', 'RSA keys have at least 2048 bits, curves at least 224 bits'),
  rule('F-08', '5.4.3', 'shall', 'Keys with the same kid are distinguished'),
  rule('F-09', '5.3.2.1-13', 'shall', 'iat up to 10 seconds in the future is accepted, more than 60 is not'),
  rule('F-10', '5.2', 'shall', 'TLS 1.2 or later', deployment),
  rule('F-12', 'test suite', 'practice', 'Every parameter of a DPoP challenge is a quoted-string, and error is the first'),
  rule('F-14', '9449 §8.2', 'rule', 'A nonce of a 2xx response is accepted by every instance')
]

const certificates = [
  rule('X-01', '3', 'MUST', 'A certificate-bound token requires the certificate, also with Bearer'),
  rule('X-02', '3', 'MUST', 'A token bound to a key and a certificate requires both'),
  rule('X-03', '9449 §6', 'MUST', 'A token bound to a certificate only is not accepted with DPoP'),
  rule('X-04', '3', 'MUST', 'Certificates in header fields of the client are not trusted')
]

const mcpRules = [
  rule('P-M1', 'authorization', 'MUST', 'Protected resource metadata is published'),
  rule('P-M2', 'authorization', 'MUST', 'The audience is validated; 401, 403 and 400 as in RFC 6750'),
  rule('P-M3', 'authorization', 'MUST NOT', 'Access tokens in queries are not accepted'),
  rule(
    'P-M4',
    'authorization',
    'MUST NOT',
    'Access tokens are not passed through to other APIs',
    no('this package does not call other APIs')
  ),
  rule('P-M5', 'SEP-1932', 'MUST', 'The DPoP scheme replaces Bearer'),
  rule('P-M6', 'SEP-1932', 'MUST', 'RFC 9449 §4.3, iat within five minutes'),
  rule('P-M7', 'SEP-1932', 'MUST', 'A failed check results in 401 with a DPoP challenge'),
  rule('P-M8', 'SEP-1932', 'MAY', 'Without jti storage the window still applies'),
  rule('P-M9', 'SEP-1932', 'MUST', 'The audience is validated with DPoP too'),
  rule('P-M10', 'SEP-1932', 'information', 'No claim about the content is required'),
  rule('P-M11', 'conformance', 'information', 'A trailing slash is another path'),
  rule('P-M12', 'authorization', 'SHOULD', 'A 401 challenge has the scopes of the resource'),
  rule('P-M13', 'authorization', 'SHOULD', 'A 403 challenge has all scopes of the operation'),
  rule('P-M14', 'authorization', 'SHOULD NOT', 'offline_access is not published'),
  rule('P-M15', 'authorization', 'MUST', 'Scope hierarchies are accounted for'),
  rule('P-M16', 'authorization', 'MUST', 'The metadata has an authorization server'),
  rule('P-M17', 'authorization', 'MUST', 'The metadata is found at the path or at the root'),
  rule('P-M18', 'authorization', 'SHOULD', 'Scheme and host of an audience in upper case are accepted'),
  rule('P-M19', 'authorization', 'MUST', 'Each request has a token and a proof'),
  rule('P-M20', 'streamable-http', 'MUST', 'An Origin that is not allowed is 403'),
  rule('P-M21', 'streamable-http', 'MUST', 'The required header fields are validated'),
  rule('P-M22', 'streamable-http', 'MUST', 'GET and DELETE are not accepted'),
  rule('P-M23', 'decision', 'rule', 'The expiry of the token is passed to streamed responses'),
  rule('P-M24', 'authorization', 'MUST', 'A 401 for a missing token has WWW-Authenticate')
]

const resourceIndicators = [
  rule('R-01', '8707 §2', 'rule', 'With several resources, the audience of a token is one of them, not a sibling'),
  rule('R-02', '8707 §2', 'rule', 'An authorization server may map a resource to another audience: both can be accepted')
]

const algorithms = [
  rule('Q-01', '9864 §2.2', 'rule', 'Ed25519, and EdDSA with Ed25519 keys, are supported; Ed448 is not'),
  rule('Q-02', '9864 §2.1', 'information', 'COSE algorithm names are not JOSE names'),
  rule('Q-03', '9964 §3', 'REQUIRED', 'AKP keys have alg and pub, and no priv'),
  rule('Q-04', '9964 §5', 'MUST', 'Public keys and signatures of ML-DSA have the size of their algorithm'),
  rule('Q-05', '9964 §6', 'rule', 'Thumbprints of AKP keys are over alg, kty and pub'),
  rule('Q-06', '9964 §7.3', 'MUST', 'Parameters of AKP keys are validated'),
  rule('Q-07', '9110 §5.4', 'MUST', 'Proofs above a size limit are rejected with 4xx')
]

const uris = [
  rule('U-01', '3986 §6.2.2.1', 'SHOULD', 'Scheme and host are case-insensitive'),
  rule('U-02', '3986 §6.2.3', 'SHOULD', 'The default port is equivalent to no port; other ports differ'),
  rule('U-03', '3986 §6.2.3', 'SHOULD', 'An empty path is equivalent to /'),
  rule('U-04', '3986 §6.2.2.1', 'SHOULD', 'Percent-encoded triplets are case-insensitive'),
  rule('U-05', '3986 §6.2.2.2', 'SHOULD', 'Percent-encoded unreserved characters are decoded'),
  rule('U-06', '3986 §2.2', 'rule', 'Percent-encoded reserved characters are not decoded'),
  rule('U-07', '3986 §6.2.2.3', 'SHOULD', 'Dot segments of htu are resolved'),
  rule('U-08', '9110 §4.2.3', 'rule', 'Paths are case-sensitive'),
  rule('U-09', '3986 §6.2.4', 'rule', 'A trailing slash is significant'),
  rule('U-10', 'practice', 'rule', 'A double slash is significant'),
  rule('U-11', '9449 §4.3 #9', 'MUST', 'Query and fragment are ignored, even if empty'),
  rule('U-12', '9110 §4.2.4', 'SHOULD', 'User information is invalid'),
  rule('U-13', '9110 §4.2.2', 'MUST', 'htu is an absolute http or https URI with a host'),
  rule('U-14', '9110 §4.2.2', 'rule', 'http and https differ'),
  rule('U-15', '9449 §11', 'MUST', 'The origin is configured; Host and request target never add one'),
  rule('U-16', '9449 §4.2', 'MUST', 'The path is that of the request as the client sent it')
]

const http = [
  rule('H-01', '5.1', 'rule', 'Field names are case-insensitive'),
  rule('H-02', '5.3', 'MUST NOT', 'Singleton fields must not repeat'),
  rule('H-03', '5.5', 'MUST', 'Whitespace around a field value is not part of it'),
  rule('H-04', '5.5', 'MUST', 'CR, LF and NUL are invalid in a field value'),
  rule('H-05', '5.4', 'MUST', 'Fields that are too large are rejected with 4xx'),
  rule('H-06', '11.1', 'rule', 'Scheme names are case-insensitive'),
  rule('H-07', '11.2', 'MUST', 'Parameter names are unique in a challenge'),
  rule('H-08', '11.5', 'MUST', 'realm is a quoted-string'),
  rule('H-09', '11.6.1', 'MUST', 'A 401 response has a challenge, whatever error handler is used'),
  rule('H-10', '11.4', 'SHOULD', 'Invalid credentials result in 401, insufficient ones in 403'),
  rule('H-11', '11.6.1', 'advice', 'Each challenge has its own field line, and challenges of others are kept'),
  rule('H-12', '11.6', 'MUST NOT', 'Proxy authentication fields are not used'),
  rule('H-13', '9.1', 'rule', 'Methods are case-sensitive'),
  rule('H-14', '9.3.2', 'rule', 'HEAD is not equivalent to GET in htm'),
  rule('H-15', '9.3.6', 'rule', 'CONNECT and OPTIONS * have no URI to compare'),
  rule('H-16', '9111 §3.5', 'MUST NOT', 'Shared caches do not store authenticated responses', no('binds caches')),
  rule(
    'H-17',
    '5.3',
    'MUST NOT',
    'The header section is complete before the request is processed',
    no('the HTTP server does it')
  ),
  rule('H-18', '7.4', 'SHOULD', 'A request for another authority is rejected')
]

const cors = [
  rule('K-01', 'Fetch', 'rule', 'CORS middleware before the guard responds to a preflight; the guard accepts none'),
  rule('K-02', 'Fetch', 'rule', 'Authorization and DPoP are allowed by name'),
  rule('K-03', '9449 §7.1, §8', 'rule', 'WWW-Authenticate and DPoP-Nonce are exposed'),
  rule('K-04', 'Fetch', 'rule', 'Error responses can be read across origins'),
  rule('K-05', 'browser-based apps', 'MUST', 'Pages can use the API'),
  rule('K-06', 'Fetch', 'rule', 'Exposed fields of the application are kept'),
  rule('K-07', 'practice', 'rule', 'A request without Origin gets no field for CORS'),
  rule('K-08', 'Fetch', 'rule', 'Header fields of the client are allowed too'),
  rule('K-09', 'practice', 'rule', 'The metadata can be read across origins'),
  rule('K-10', 'Fetch', 'advice', 'Access-Control-Max-Age', deployment),
  rule('K-11', 'Fetch', 'advice', 'Protected routes do not redirect', deployment)
]

const decisions = [
  rule('AMB-01', '', 'decision', 'A trailing slash of htu is significant; an empty path is equivalent to /'),
  rule('AMB-02', '', 'decision', 'Query and fragment of htu are ignored, not rejected'),
  rule('AMB-03', '', 'decision', 'All of RFC 3986 §6.2.2.2 applies; a malformed triplet is invalid'),
  rule('AMB-04', '', 'decision', 'Hosts are normalized as in the URL standard; a trailing dot is significant'),
  rule('AMB-05', '', 'decision', 'A missing proof is 401 invalid_dpop_proof'),
  rule('AMB-06', '', 'decision', 'A proof with another key than the bound one is 401 invalid_token'),
  rule('AMB-07', '', 'decision', 'typ is compared exactly with dpop+jwt'),
  rule('AMB-08', '', 'decision', 'htm is compared exactly'),
  rule('AMB-09', '', 'decision', 'The method is that of the request line, without overrides; CONNECT and * are rejected'),
  rule('AMB-10', '', 'decision', '300 seconds in the past and 30 in the future, inclusive; FAPI: 60 and 30'),
  rule('AMB-11', '', 'decision', 'With nonces, the age of the nonce replaces the iat window'),
  rule('AMB-12', '', 'decision', 'Nonces are disabled or required, by route; they are not optional'),
  rule('AMB-13', '', 'decision', 'A nonce claim is ignored while nonces are disabled'),
  rule(
    'AMB-14',
    '',
    'decision',
    'Unregistered members of cnf are ignored; registered ones that are not supported reject the token'
  ),
  rule('AMB-15', '', 'decision', 'A proof beside a Bearer token is ignored'),
  rule('AMB-16', '', 'decision', 'Both schemes in one request result in 400 on both challenges'),
  rule('AMB-17', '', 'decision', 'use_dpop_nonce is 401'),
  rule('AMB-18', '', 'decision', 'A successful response has a nonce only if it is another one'),
  rule('AMB-19', '', 'decision', 'Replays are identified by key, URI and jti, not by the serialization of the proof'),
  rule('AMB-20', '', 'decision', 'A consumed proof is stored until it would be rejected anyway; a full store results in 503'),
  rule('AMB-21', '', 'decision', 'The replay store is one atomic operation; its failure results in 503'),
  rule('AMB-22', '', 'decision', 'A rejected proof is not consumed'),
  rule('AMB-23', '', 'decision', 'Base URLs are configured: one, several, or a function'),
  rule('AMB-24', '', 'decision', 'A Bearer challenge always has a realm'),
  rule('AMB-25', '', 'decision', 'exp and nbf of a proof are validated with the tolerance of iat'),
  rule('AMB-26', '', 'decision', 'An invalid proof is rejected before a nonce is required'),
  rule('AMB-27', '', 'decision', 'Access tokens are read only from the Authorization header field'),
  rule(
    'AMB-28',
    '',
    'decision',
    'Upgrades and streams are verified once, at their start; the application ends them when the access token expires'
  ),
  rule('AMB-29', '', 'decision', 'The response body is JSON with error and error_description'),
  rule('AMB-30', '', 'decision', 'A hook reports revoked tokens'),
  rule('AMB-31', '', 'decision', 'htu of a WebSocket upgrade may have the scheme wss for https, and ws for http'),
  rule('AMB-32', '', 'decision', 'A ticket authenticates one connection: for its path, once, and never after its access token')
]

const lessons = [
  rule('L1', '', 'lesson', 'A request target with dot segments or backslashes is rejected, not resolved'),
  rule('L2', '', 'lesson', 'A Host with more than a host and port selects no base URL'),
  rule('L3', '', 'lesson', 'Origins are configured'),
  rule('L4', '', 'lesson', 'Only path and query of the request target are used'),
  rule('L5', '', 'lesson', 'A consumed proof is stored for as long as it would be accepted'),
  rule('L6', '', 'lesson', 'Exactly one of concurrent copies is accepted'),
  rule('L7', '', 'lesson', 'Other serializations of a proof are the same proof'),
  rule('L8', '', 'lesson', 'The jti values of different clients are independent'),
  rule('L9', '', 'lesson', 'The replay store is accessed last, with a key of fixed length'),
  rule('L10', '', 'lesson', 'A full replay store rejects, and does not evict live entries'),
  rule('L11', '', 'lesson', 'Only a boolean active: true is active'),
  rule('L12', '', 'lesson', 'Freshness and ath are always checked'),
  rule('L13', '', 'lesson', 'The binding is cnf, not token_type'),
  rule('L14', '', 'lesson', 'A token with a malformed cnf is not accepted as Bearer'),
  rule('L15', '', 'lesson', 'A bound token is not accepted as Bearer in any mode'),
  rule('L16', '', 'lesson', 'jti is a string of bounded length'),
  rule('L17', '', 'lesson', 'Any private key member is rejected, not only d'),
  rule('L18', '', 'lesson', 'The age of a nonce depends on time only'),
  rule('L19', '', 'lesson', 'htm is case-sensitive, schemes are case-insensitive'),
  rule('L20', '', 'lesson', 'htu is validated against the URI grammar before normalization'),
  rule('L21', '', 'lesson', 'With HTTP/2, :authority takes precedence, and a different Host is 400'),
  rule('L22', '', 'lesson', 'Optional authentication accepts missing credentials, not invalid ones'),
  rule('L23', '', 'lesson', 'No order of registration leaves a route unprotected'),
  rule('L30', '', 'lesson', 'Ed25519 is accepted under both names'),
  rule('L31', '', 'lesson', 'nbf and exp of a proof have the tolerance of iat'),
  rule('L32', '', 'lesson', 'Equivalent URIs are accepted in any form'),
  rule('L33', '', 'lesson', 'Unknown members of cnf are ignored'),
  rule('L34', '', 'lesson', 'Any method and any valid path are supported'),
  rule('L35', '', 'lesson', 'More than one space after the scheme is accepted'),
  rule('L36', '', 'lesson', 'An absolute-form target of a configured origin is accepted'),
  rule('L37', '', 'lesson', 'Proxies that terminate TLS or remove a prefix are supported'),
  rule('L40', '', 'lesson', 'No part of a request is repeated in a challenge'),
  rule('L41', '', 'lesson', 'Every request ends in success or one of the two error classes'),
  rule('L42', '', 'lesson', 'Every mode and error has the correct challenges'),
  rule('L43', '', 'lesson', 'use_dpop_nonce is sent exactly with a nonce'),
  rule('L44', '', 'lesson', 'An outage results in 503, never in 401 or 200'),
  rule('L45', '', 'lesson', 'Preflight requests succeed, and browsers can read what they need'),
  rule('L46', '', 'lesson', 'Operators can see the reason of a rejection')
]

const walletsAndAtProtocol = [
  rule('V-01', 'HAIP §4', 'MUST', 'Proofs with ES256 are accepted'),
  rule('V-02', 'HAIP §4, VCI §7.2', 'MAY', 'An unprotected endpoint can provide a nonce'),
  rule('V-03', 'VCI §7.2', 'rule', 'Such a nonce is bound neither to a token nor to a key'),
  rule('V-05', 'FAPI 5.3.4-2', 'shall not', 'Access tokens in queries are not accepted'),
  rule(
    'AT-03',
    'AT Protocol OAuth',
    'MUST',
    'Every response to a request with a proof has DPoP-Nonce, with nonce.onEveryResponse'
  ),
  rule('AT-04', 'AT Protocol OAuth', 'SHOULD', 'A proof is not accepted twice in the lifetime of its nonce')
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
  { title: 'RFC 8707, resource indicators', rules: resourceIndicators },
  { title: 'OpenID4VCI, HAIP and AT Protocol', rules: walletsAndAtProtocol },
  { title: 'RFC 9864 and RFC 9964, algorithms', rules: algorithms },
  { title: 'RFC 3986 and RFC 9110, the URI of a request', rules: uris },
  { title: 'RFC 9110, HTTP', rules: http },
  { title: 'Fetch, cross-origin requests', rules: cors },
  { title: 'Decisions where the sources are ambiguous', rules: decisions },
  { title: 'Known implementation mistakes', rules: lessons }
] as const

/** The id of a rule. A test that names another does not compile. */
export type RuleId = (typeof sources)[number]['rules'][number]['id']
