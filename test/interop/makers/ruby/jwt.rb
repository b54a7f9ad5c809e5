# Proofs of the gem jwt, which signs with EdDSA through the gem rbnacl.

require 'rbnacl'
require 'jwt'
require_relative 'contract'

ALGORITHMS = %w[ES256 ES384 ES512 EdDSA PS256 PS384 PS512 RS256 RS384 RS512 ES256K]

# The private key, and the public JWK.
def keys_of(request)
  if request['alg'] == 'EdDSA'
    seed = request['key']['d'].tr('-_', '+/').unpack1('m')
    return RbNaCl::Signatures::Ed25519::SigningKey.new(seed), request['key'].slice('kty', 'crv', 'x')
  end
  key = OpenSSL::PKey.read(request['pem'])
  [key, JWT::JWK.new(key).export]
end

serve_proofs(ALGORITHMS) do |request|
  key, jwk = keys_of(request)
  JWT.encode(claims_of(request), key, request['alg'], { typ: 'dpop+jwt', jwk: jwk })
end
